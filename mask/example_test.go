package mask_test

import (
	"fmt"
	"regexp"

	"github.com/troupelog/troupe/mask"
)

func ExampleAll() {
	all := mask.All(mask.Emails, mask.Cards, mask.Keys)
	fmt.Println(all("ann@example.com paid with 4111 1111 1111 1111; api_key=abcdef123456"))
	// Output: [email] paid with [card]; api_key=[key]
}

// Any func(string) string is a mask.
func ExampleAll_custom() {
	tickets := regexp.MustCompile(`\bTICKET-\d+\b`)
	all := mask.All(mask.Keys, func(s string) string { return tickets.ReplaceAllString(s, "[ticket]") })
	fmt.Println(all("password: hunter22 for TICKET-4711"))
	// Output: password: [key] for [ticket]
}

func ExampleEmails() {
	fmt.Println(mask.Emails("Write to jörg+x@mail.exämple.co.uk, not to @here."))
	// Output: Write to [email], not to @here.
}

func ExampleKeys() {
	fmt.Println(mask.Keys("Authorization: Bearer abcdefghijklmnop.qrst="))
	fmt.Println(mask.Keys(`{"client_secret": "abcdef123", "user": "ann"}`))
	// Output:
	// Authorization: [key]
	// {"client_secret": "[key]", "user": "ann"}
}

func ExampleCards() {
	fmt.Println(mask.Cards("4111-1111-1111-1111 is a card, 4111-1111-1111-1112 is not."))
	// Output: [card] is a card, 4111-1111-1111-1112 is not.
}
