package docs

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

// retired is a word that was replaced.
type retired struct {
	old     *regexp.Regexp
	name    string // the rule under which places are counted: old → instead
	instead string
}

// retire makes a list of lines "pattern → word in its place". White space in a pattern
// matches any white space.
func retire(wrap, lines string) []retired {
	var list []retired
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		old, instead, ok := strings.Cut(line, " → ")
		if !ok {
			panic("no arrow in " + line)
		}
		pattern := fmt.Sprintf(wrap, strings.ReplaceAll(old, " ", `\s+`))
		list = append(list, retired{regexp.MustCompile(pattern), line, instead})
	}
	return list
}

// retiredTexts are words that users read: in pages, in string literals (messages, flags,
// names of metrics and JSON fields) and in templates.
var retiredTexts = retire(`(?i)\b(?:%s)\b`, `
	dearest|dear → most expensive
	disliked → downvoted
	the account|an account|accounts → counters; sign-up
	orphan|orphans|orphaned → auto-ended; ownerless; detached
	sink|sinks → destination
	(?-i:Took) → Duration
	Put equal ones together → Group identical siblings
	Take equal ones apart → Ungroup identical siblings
	there is nothing at this address → No such endpoint
	not seen → Not found
	try again later → will retry
	chats are written → wrote N conversations
	told and left out → are reported and skipped
	fold worker → indexer
	doubtful → suspicious
	condemned|buried → dead-lettered
	lingers|lingering → grace
`)

// retiredAPI are exported names, as "package: line of the recorded API". Names that are kept
// as deprecated do not count.
var retiredAPI = retire(`(?:%s)(?:\W|$)`, `
	logger: .*(KeepOrphans|OrphanAfter|\.Orphans) → DisableAutoEnd, AutoEndAfter, AutoEnded
	logger: .*(AddSink|SinkStats|SinkHealth|\.Sinks?) → AddDestination, DestinationStats
	logger: field Stats\.(Ids|Doubtful|Quarantined) → KnownIDs, Suspicious, Salvaged
	logger: .*RaiseExceptions → PanicOnMisuse
	logger: const (Block|DropNewest|DropOldest) → FullBlock, FullDropNewest, FullDropOldest
	logger: const Memory → MemoryOnly
	logger: .*OnFull OnFull → FullPolicy
	llm: .*\.NoContent → OmitContent
	logger: .* \*(Session|Trace|Span|Generation|Retrieval|ToolCall)$ → handles as values
	logger: .*(SetStartTimestamp|SetEndTimestamp|EndConfig\.Time|Attachment\.Timestamp) → StartTime, EndTime, Time
	logger: .*\) Error\(ErrorDetail\) → Fail
	logger: .*\) (SpanEvent|SessionEvent) → SpanAddEvent, SessionAddEvent
	logger: type (Tokens|Cost) → pricing.Usage, pricing.Cost
	messages: type Usage → pricing.Usage
	collector: .*(Settle|SettleSearch) → WaitIndexed, WaitSearchable
	collector: .*Forget → Prune
	(collector|transport): const (Header\w+|\w+Header) → internal/protocol
`)

// retiredInside are declared names of a package, by the names of the packages.
var retiredInside = map[string][]retired{
	"messages": retire(`^(?:%s)$`, `
		Entity → protocol.Kind
		Birth → NewEntity
		Spent → Cost
		Lane → OrderKey
		Turn → a direct hand-over
		Finalise → EndOpen
		Within → SessionHint
		Settled → Finished
	`),
	"actors": retire(`^(?:%s)$`, `
		postman|carry → flusher
		post → flush
		gatherFor|gatherUpTo → batchDelay, batchMax
		spares|giveUp → pool, recycle
		fifo → queue
		linger\w* → grace
		asking → draining
		backlog → buffered
		handed → dispatched
		doubt → warn
		round → finalization
		patience → maxAttempts
	`),
	"supervisor": retire(`^(?:%s)$`, `
		held → backlog
		buryIfStopped → drainIfStopped
		spare → mailboxPool
	`),
	"delivery": retire(`^(?:%s)$`, `
		Sink → Destination
		lane → drainer
		flight|fly → batchSender, sendAll
		gate|pass → throttle, permit
		remedy|again|divide|shrink → retryAction, retry, split, splitSmaller
		condemn|bury → deadLetterCheck, deadLetter
		born|void|ahead → baseSeq, superseded, ackedOutOfOrder
		spent|spentBlob → doneBlob
		tidy → gc
		eager|hurry → flushing, flushNow
		stage|episode|look → watchdog
		Longer → WithGrace
		tell → report
	`),
	"seglog spool": retire(`^(?:%s)$`, `
		ill|isIll → unreadable
		behind → after
		SlotSkipped → a kind of Event
	`),
	"logger": retire(`^(?:%s)$`, `
		told → reportedDrops
		head → commonFields
		leftOut → reportDropped
		bill → priceState
		anyField → valueField
	`),
	"llm genai": retire(`^(?:%s)$`, `
		answer → Assembler
		objects|events → jsonFrames, sseFrames
		facts → callInfo
		held → deferred
	`),
	"collector service api": retire(`^(?:%s)$`, `
		folder|seeker|turns → projector, searchIndexer, stepMutex
		kin|Kin → spanIndex
		appendOwn → AppendLocal
	`),
	"store project words sqlite": retire(`^(?:%s)$`, `
		Spool → Producer
		First → BaseSeq
		passage|Passage → Snippet
		top → rootRow
		eno → entityID
		mark → labelRef
		excerpt → preview
		work → changedRow
		anew → stalePreviews
		bucket → rollup
		hang → link
		place → position
		recent → lru
		SpoolLife → ProducerTTL
	`),
	"viewer diff export": retire(`^(?:%s)$`, `
		narrow → filter
		skeleton → treeJSON
		mention → reference
		takeApart → splitLines
		failure → problem
		mark → anomaly
		tuner → chatWriter
	`),
	"otel": retire(`^(?:%s)$`, `
		held → openTraces
		took → duration
		take → receive
	`),
}

// linkTarget is the address of a link in Markdown, which no reader sees.
var linkTarget = regexp.MustCompile(`\]\([^)\s]*\)`)

// keepsRetiredTexts reports whether texts in a folder may use retired words: the lists of this
// package; the decisions, which are dated and keep the words of their time; and the
// measurements, whose sink is a server.
func keepsRetiredTexts(folder string) bool {
	top, _, _ := strings.Cut(strings.TrimPrefix(folder, "pages "), "/")
	return folder == "internal/docs" || folder == "pages docs/internals/decisions" || top == "bench"
}

// findRetiredTexts returns the places of retired words in pages, templates and literals.
func findRetiredTexts(sources []Source, texts []Page) Findings {
	found := Findings{}
	search := func(folder, file, text string, line int) {
		if keepsRetiredTexts(folder) {
			return
		}
		for _, r := range retiredTexts {
			for _, at := range r.old.FindAllStringIndex(text, -1) {
				found.Add(folder, r.name, fmt.Sprintf("%s:%d", file, line+strings.Count(text[:at[0]], "\n")))
			}
		}
	}
	for _, s := range sources {
		ast.Inspect(s.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.BasicLit:
				if n.Kind == token.STRING {
					search(s.Folder(), s.Path, n.Value, s.Fset.Position(n.Pos()).Line)
				}
			}
			return true
		})
	}
	for _, p := range texts {
		search(p.Folder(), p.Path, linkTarget.ReplaceAllString(p.Text, ""), 1)
	}
	return found
}

// findRetiredAPI returns the lines of the recorded API, by package, that declare a retired
// name.
func findRetiredAPI(found Findings, folder string, lines []string) {
	for _, line := range lines {
		if strings.HasSuffix(line, "// deprecated") {
			continue
		}
		for _, r := range retiredAPI {
			if r.old.MatchString(folder + ": " + line) {
				found.Add("api "+folder, r.name, line)
			}
		}
	}
}

// findRetiredNames returns the places of retired names among package-level names, methods and
// fields.
func findRetiredNames(found Findings, sources []Source) {
	for _, s := range sources {
		for packages, list := range retiredInside {
			if !slices.Contains(strings.Fields(packages), s.File.Name.Name) {
				continue
			}
			for _, name := range declared(s.File) {
				for _, r := range list {
					if r.old.MatchString(name.Name) {
						found.Add(s.Folder(), r.name, fmt.Sprintf("%s:%d", s.Path, s.Fset.Position(name.Pos()).Line))
					}
				}
			}
		}
	}
}

// declared returns the names of functions, methods, types, fields, and of variables and
// constants outside functions.
func declared(file *ast.File) []*ast.Ident {
	var names []*ast.Ident
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			names = append(names, decl.Name)
		case *ast.GenDecl:
			ast.Inspect(decl, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncType, *ast.FuncLit:
					return false
				case *ast.TypeSpec:
					names = append(names, n.Name)
				case *ast.ValueSpec:
					names = append(names, n.Names...)
				case *ast.Field:
					names = append(names, n.Names...)
				}
				return true
			})
		}
	}
	return names
}
