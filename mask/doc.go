// Package mask has functions for logger.Config.Mask: they take what should not be logged out
// of texts.
//
//	logger.New(logger.Config{Mask: mask.All(mask.Emails, mask.Keys, mask.Cards)})
//
// Each finds what has an unmistakable form, and leaves the rest of a text as it is. That
// catches accidents; it is no proof that nothing personal is logged: a name has no form.
// Where contents must not be logged at all, set logger.Config.OmitContent.
//
// All functions take time in proportion to the text, and may be called concurrently.
package mask
