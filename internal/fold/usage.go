package fold

import (
	"github.com/troupelog/troupe/internal/genai"
	"github.com/troupelog/troupe/internal/wire"
	"github.com/troupelog/troupe/pricing"
)

// outcome reads the result of a generation: its usage, whether it has one, and whether the
// result is an error.
func outcome(result []byte) (usage pricing.Usage, hasUsage, failed bool) {
	usage, hasUsage = genai.UsageOf(result)
	for key, value := range wire.Fields(result) {
		failed = failed || string(key) == "error" && !isNull(value)
	}
	return usage, hasUsage, failed
}
