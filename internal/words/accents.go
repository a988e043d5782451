package words

import (
	"sync"
	"unicode"
)

// accented lists Latin and Greek letters: each group is a letter and those that are it
// with an accent. They are the canonical decompositions of the Unicode character
// database, and letters with a stroke, for which it has none.
const accented = "aàáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ bḃḅḇ cçćĉċčḉ dďḋḍḏḑḓđ eèéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ fḟ gĝğġģǧǵḡ " +
	"hĥȟḣḥḧḩḫẖħ iìíîïĩīĭįǐȉȋḭḯỉịı jĵǰ kķǩḱḳḵ lĺļľḷḹḻḽł mḿṁṃ nñńņňǹṅṇṉṋ " +
	"oòóôõöōŏőơǒǫǭȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợøǿ pṕṗ rŕŗřȑȓṙṛṝṟ sśŝşšșṡṣṥṧṩſẛ tţťțṫṭṯṱẗŧ " +
	"uùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự vṽṿ wŵẁẃẅẇẉẘ xẋẍ yýÿŷȳẏẙỳỵỷỹ zźżžẑẓẕ æǣǽ ʒǯ " +
	"αάἀἁἂἃἄἅἆἇὰάᾀᾁᾂᾃᾄᾅᾆᾇᾰᾱᾲᾳᾴᾶᾷ εέἐἑἒἓἔἕὲέ ηήἠἡἢἣἤἥἦἧὴήᾐᾑᾒᾓᾔᾕᾖᾗῂῃῄῆῇ ιΐίϊἰἱἲἳἴἵἶἷὶίῐῑῒΐῖῗ οόὀὁὂὃὄὅὸό ρῤῥ " +
	"υΰϋύὐὑὒὓὔὕὖὗὺύῠῡῢΰῦῧ ωώὠὡὢὣὤὥὦὧὼώᾠᾡᾢᾣᾤᾥᾦᾧῲῳῴῶῷ"

// plainEnd is behind the last letter that plainLetters knows.
const plainEnd = 0x2000

// plainLetters returns the letters below plainEnd in lower case and without accents.
var plainLetters = sync.OnceValue(func() *[plainEnd]uint16 {
	bare, first := map[rune]rune{}, rune(0)
	for _, r := range accented {
		switch {
		case r == ' ':
			first = 0
		case first == 0:
			first = r
		default:
			bare[r] = first
		}
	}
	var plain [plainEnd]uint16
	for r := range rune(plainEnd) {
		// By way of the upper case, letters that share one, as the two small sigmas, are equal.
		lower := unicode.ToLower(unicode.ToUpper(r))
		if letter, ok := bare[r]; ok {
			lower = letter
		} else if letter, ok := bare[lower]; ok {
			lower = letter
		}
		if lower >= plainEnd { // nothing below it needs more than 16 bits
			lower = r
		}
		plain[r] = uint16(lower)
	}
	return &plain
})
