package archtest

// module is the path of this module; the paths below are relative to it.
const module = "github.com/troupelog/troupe"

// row lists the imports that the packages at or below path may have. A package is judged
// by the row with the longest matching path.
type row struct {
	path string
	// imports lists the packages of this module that may be imported, each with
	// everything below it. A package may always import packages below its own row.
	imports []string
	// modules lists the other modules that may be imported directly. The standard
	// library may be imported everywhere.
	modules []string
	// tests marks packages that serve only tests: they may import anything, and only
	// tests may import them.
	tests bool
}

// Modules named in several rows.
const (
	protoactor = "github.com/asynkron/protoactor-go"
	uuid       = "github.com/google/uuid"
	retryable  = "github.com/hashicorp/go-retryablehttp"
	sys        = "golang.org/x/sys"
	mimetype   = "github.com/gabriel-vasile/mimetype"
	compress   = "github.com/klauspost/compress"
	sqlite     = "modernc.org/sqlite"
	goose      = "github.com/pressly/goose/v3"
	protobuf   = "google.golang.org/protobuf"
	prometheus = "github.com/prometheus/client_golang"
)

// terminal lists the modules that draw on a terminal and read a command line.
var terminal = []string{
	"github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/schollz/progressbar/v3", "github.com/rivo/uniseg",
	"github.com/dustin/go-humanize", "github.com/mattn/go-isatty", "golang.org/x/term",
}

// layout is the map of the module, lowest layer first: a row imports only from rows
// above it.
var layout = []row{
	{path: "internal/protocol"},
	{path: "internal/brief"},
	{path: "internal/private"},
	{path: "pricing"},
	{path: "messages", imports: []string{"internal/protocol", "pricing"}},
	{path: "internal/ledger"},
	{path: "internal/sampling", imports: []string{"messages", "pricing"}},
	{path: "internal/jsonscan", imports: []string{"internal/protocol"}},
	{path: "internal/oversize", imports: []string{"internal/protocol", "internal/jsonscan"}},
	{path: "internal/wire", imports: []string{"internal/protocol", "messages", "internal/jsonscan", "internal/oversize"}},
	{path: "internal/genai", imports: []string{"internal/protocol", "internal/jsonscan", "pricing"}},
	{path: "internal/media"},
	{path: "internal/spool", modules: []string{sys, uuid}},
	{path: "supervisor", modules: []string{protoactor}},
	{
		path:    "actors",
		imports: []string{"pricing", "messages", "internal/protocol", "internal/wire", "internal/ledger", "supervisor"},
		modules: []string{protoactor},
	},
	{path: "transport", imports: []string{"messages", "internal/protocol", "internal/brief", "internal/wire"}, modules: []string{retryable, uuid, compress}},
	{path: "internal/delivery", imports: []string{"messages", "internal/protocol", "internal/wire", "internal/spool", "transport"}, modules: []string{uuid}},
	{
		path: "logger",
		imports: []string{
			"messages", "internal/protocol", "internal/brief", "internal/wire", "internal/jsonscan", "internal/oversize", "internal/ledger", "internal/sampling", "internal/spool", "internal/genai",
			"internal/media", "supervisor", "actors", "transport", "internal/delivery", "pricing",
		},
		modules: []string{uuid, mimetype},
	},
	{path: "troupeslog", imports: []string{"logger"}},
	{path: "internal/modelcall", imports: []string{"logger"}},
	{path: "llm", imports: []string{"internal/protocol", "internal/wire", "internal/jsonscan", "internal/oversize", "internal/genai", "internal/modelcall", "logger"}},
	{path: "mask"},
	{path: "internal/fold", imports: []string{"internal/genai", "messages", "internal/protocol", "internal/wire", "internal/jsonscan", "internal/oversize", "pricing"}},
	{path: "internal/store", imports: []string{"internal/protocol", "internal/fold", "pricing"}},
	{path: "internal/words"},
	{path: "internal/project", imports: []string{"internal/protocol", "internal/fold", "internal/store", "internal/words"}},
	{path: "internal/conversation", imports: []string{"internal/genai", "internal/protocol", "internal/wire", "internal/jsonscan", "internal/fold"}},
	{path: "internal/diff", imports: []string{"internal/jsonscan", "internal/genai", "internal/protocol", "internal/wire", "internal/fold", "internal/conversation", "pricing"}, modules: []string{"github.com/aymanbagabas/go-udiff"}},
	{path: "internal/tree", imports: []string{"internal/protocol", "internal/fold", "pricing"}, modules: terminal},
	{path: "internal/otlp", imports: []string{"internal/genai", "internal/protocol", "internal/wire", "internal/jsonscan", "internal/fold"}, modules: []string{protobuf}},
	{path: "internal/export", imports: []string{"internal/jsonscan", "internal/genai", "internal/protocol", "internal/fold", "internal/conversation", "internal/tree", "pricing"}},
	{path: "internal/query", imports: []string{"internal/protocol", "internal/fold", "internal/store", "pricing"}},
	{
		path:    "internal/sqlite",
		imports: []string{"messages", "internal/protocol", "internal/private", "internal/wire", "internal/jsonscan", "internal/fold", "internal/store", "internal/words", "pricing"},
		modules: []string{sqlite, goose, compress, uuid, "github.com/gofrs/flock"},
	},
	{
		path:    "internal/service",
		imports: []string{"internal/protocol", "internal/fold", "internal/store", "internal/project", "internal/query", "pricing"},
		modules: []string{prometheus},
	},
	{path: "internal/address"},
	{
		path: "internal/viewer",
		imports: []string{
			"internal/genai", "internal/protocol", "internal/brief", "internal/wire", "internal/jsonscan", "internal/fold", "internal/store", "internal/conversation",
			"internal/diff", "internal/tree", "internal/export", "internal/query", "internal/service", "internal/address", "pricing",
		},
		modules: []string{mimetype},
	},
	{
		path: "internal/api",
		imports: []string{
			"internal/protocol", "internal/wire", "internal/fold", "internal/store", "internal/tree", "internal/otlp", "internal/query",
			"internal/service", "internal/address", "pricing",
		},
		modules: []string{compress, "golang.org/x/time", prometheus},
	},
	{path: "collector", imports: []string{"pricing", "internal/store", "internal/api", "internal/service", "internal/sqlite", "internal/viewer"}},
	{path: "internal/replay", imports: []string{"internal/jsonscan", "logger"}},
	{path: "internal/demo", imports: []string{"logger"}},
	{path: "internal/seedgen"},
	{
		path: "internal/cli",
		imports: []string{
			"internal/protocol", "internal/private", "internal/wire", "internal/spool", "internal/delivery", "logger", "transport", "collector",
			"internal/replay", "internal/demo", "internal/tree", "internal/diff", "internal/export", "pricing",
		},
		modules: append(terminal, compress, sys),
	},
	{path: "cmd", imports: []string{"internal/cli"}, modules: terminal},
	// A program to copy must not need a package that a user cannot import.
	{path: "examples", imports: []string{"logger", "llm", "collector"}},

	{path: "internal/storetest", tests: true},
	{path: "internal/viewer/xsstest", tests: true},
	{path: "internal/archtest", tests: true},
	{path: "internal/conformance", tests: true},
	{path: "internal/docs", tests: true},
	{path: "internal/e2e", tests: true},
	{path: "internal/formattest", tests: true},
	{path: "internal/harness", tests: true},
	{path: "internal/modelserver", tests: true},
	{path: "internal/sdktest", tests: true},
	{path: "internal/spool/seglog/seglogtest", tests: true},
}
