package viewer

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/troupelog/troupe/internal/brief"
	"github.com/troupelog/troupe/internal/fold"

	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/viewer/text"
	"github.com/troupelog/troupe/internal/wire"
)

// maxIDShown is the longest id in bytes that a message shows.
const maxIDShown = 100

var lineRoutes = []route{
	{"GET /line/{seq}", (*Viewer).line},
	{"GET /e/{id}", (*Viewer).entity},
}

// lineData is the data of the page of one line.
type lineData struct {
	Number               uint64
	Bytes                int
	Text                 text.Cut
	Entity, ID, Action   string
	Data                 text.Document
	Problem              string
	About                string // address of the entity
	Previous, Next, File string
	Touches              []string
}

func (v *Viewer) line(w http.ResponseWriter, r *http.Request) error {
	r, repo, cancel, err := v.ready(r)
	if err != nil {
		return err
	}
	defer cancel()
	name, raw := strings.CutSuffix(r.PathValue("seq"), ".txt")
	seq, err := strconv.ParseUint(name, 10, 63)
	if err != nil || seq == 0 {
		return &problem{http.StatusNotFound, "no such line", "Lines are numbered from 1."}
	}
	found, err := v.service.Scan(r.Context(), repo, seq-1, 1)
	if err != nil {
		return err
	}
	if len(found) == 0 || found[0].Number != seq {
		return &problem{http.StatusNotFound, "line " + name + " was not found", "It has not arrived yet, or retention has deleted it."}
	}
	line := found[0].Text
	if raw {
		w.Header().Set("Content-Disposition", "attachment; filename=line-"+name+".txt")
		return send(w, r, "text/plain; charset=utf-8", line, 0)
	}
	d := &lineData{Number: seq, Bytes: len(line), Text: text.Plain(string(line), text.PlainLimit), File: "/line/" + name + ".txt", Next: "/line/" + strconv.FormatUint(seq+1, 10)}
	if seq > 1 {
		d.Previous = "/line/" + strconv.FormatUint(seq-1, 10)
	}
	parsed, err := wire.Parse(line)
	if err != nil {
		d.Problem = "It cannot be read, so it does nothing."
	} else {
		d.Entity, d.ID, d.Action, d.Data = parsed.Entity, parsed.ID, parsed.Action, text.JSON(parsed.Data, text.Options{})
		d.About = "/e/" + url.PathEscape(parsed.ID)
	}
	if changes, err := fold.Decode(repo, fold.Line{Text: line}); err == nil {
		for _, c := range changes {
			does := "changes"
			if c.Mention() {
				does = "names"
			}
			d.Touches = append(d.Touches, does+" "+kindName(c.Ref.Kind)+" "+c.Ref.ID)
		}
	}
	return v.render(w, r, "line", &page{Title: "Line " + name, Nav: "traces", Data: d})
}

// mostFound limits the entities listed for one id prefix.
const mostFound = 20

// entityData is the data of the page that lists the entities sharing an id.
type entityData struct {
	ID    string
	Found []entityPlace
}

type entityPlace struct{ Kind, ID, Name, Address string }

// entity leads to the place of an entity, by its id or the beginning of it.
func (v *Viewer) entity(w http.ResponseWriter, r *http.Request) error {
	r, repo, cancel, err := v.ready(r)
	if err != nil {
		return err
	}
	defer cancel()
	id := r.PathValue("id")
	found, err := v.service.Find(r.Context(), repo, id, mostFound)
	if err != nil {
		return err
	}
	d := &entityData{ID: id}
	for _, e := range found {
		address, err := v.placeOfEntity(r, repo, e)
		if err != nil {
			return err
		}
		d.Found = append(d.Found, entityPlace{kindName(e.Ref.Kind), e.Ref.ID, named(e.Name, e.Ref.ID), address})
	}
	switch len(d.Found) {
	case 0:
		return &problem{http.StatusNotFound, "Not found", "No line about the id “" + brief.Cut(id, maxIDShown) + "” has arrived in this repository, or its lines were deleted."}
	case 1:
		p := &page{Here: r.URL, Repo: repo}
		http.Redirect(w, r, p.Link(d.Found[0].Address, addressNode(found[0])...), http.StatusFound)
		return nil
	}
	return v.render(w, r, "entity", &page{Title: "Several have this id", Nav: "traces", Data: d})
}

// placeOfEntity returns the address of the page on which an entity is.
func (v *Viewer) placeOfEntity(r *http.Request, repo string, e fold.Entity) (string, error) {
	at, err := v.service.TraceOf(r.Context(), repo, e)
	if err != nil || at.Kind == protocol.Unknown {
		return "/traces", err
	}
	return "/" + at.Kind.String() + "/" + url.PathEscape(at.ID), nil
}

// addressNode returns the parameter that selects an entity on the page of its trace.
func addressNode(e fold.Entity) []string {
	if e.Ref.Kind == protocol.Trace || e.Ref.Kind == protocol.Session {
		return nil
	}
	return []string{"node", refString(e.Ref)}
}
