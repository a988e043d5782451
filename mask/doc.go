// Package mask has functions for logger.Config.Mask, which remove confidential parts of texts
// before they are logged.
//
//	logger.New(logger.Config{Mask: mask.All(mask.Emails, mask.Cards, mask.Keys)})
//
// # Guarantees
//
// Each function finds parts with an unmistakable form, replaces each by a fixed word in brackets
// and leaves the rest of the text as it is. Applied again, it changes nothing. The time is
// proportional to the length of the text, for hostile texts too, and all functions may be called
// concurrently.
//
// # Limits
//
// Masks catch accidents. They do not prove that a log holds nothing personal: a name, an address
// or a diagnosis has no form that a function could find. If contents must not be logged at all,
// set logger.Config.OmitContent.
//
// A secret that is split over two texts is not found, and neither is one that is encoded, for
// example in base64. A number may be taken for a card by chance: see [Cards].
//
// # Custom masks
//
// A mask is any func(string) string. It is called on the goroutine of each logging call, so it
// must be quick and safe for concurrent use. [All] combines masks:
//
//	tickets := regexp.MustCompile(`\bTICKET-\d+\b`)
//	all := mask.All(mask.Keys, func(s string) string { return tickets.ReplaceAllString(s, "[ticket]") })
package mask
