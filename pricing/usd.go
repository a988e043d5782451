package pricing

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// USD is an amount of US dollars in billionths: 1 USD is 1e-9 dollars. Sums are exact,
// whatever their order, within ±9.2 billion dollars; Add stops at these.
type USD int64

// Dollar is one US dollar.
const Dollar USD = 1_000_000_000

// Add returns a + b. If USD cannot hold the sum, it returns the largest amount of its sign:
// a total that is too large must not turn into a negative one.
func (a USD) Add(b USD) USD {
	sum := a + b
	switch {
	case b > 0 && sum < a:
		return math.MaxInt64
	case b < 0 && sum > a:
		return math.MinInt64
	}
	return sum
}

// Dollars returns an amount of dollars, such as Dollars(0.0125), rounded to the nearest
// billionth. Amounts that USD cannot hold become the largest of their sign, NaN becomes 0.
func Dollars(amount float64) USD {
	switch n := math.Round(amount * float64(Dollar)); {
	case math.IsNaN(n):
		return 0
	case n >= math.MaxInt64:
		return math.MaxInt64
	case n <= math.MinInt64:
		return math.MinInt64
	default:
		return USD(n)
	}
}

// ParseUSD reads a decimal number of dollars, such as 0.0125 or 3e-7, and rounds it to the
// nearest billionth, halves away from zero. It reports false for any other text, for texts of
// more than 64 bytes, and for amounts that USD cannot hold.
func ParseUSD(text string) (USD, bool) {
	if len(text) > 64 || strings.Trim(text, "0123456789.eE+-") != "" {
		return 0, false // big.Rat also reads fractions, other bases and underscores
	}
	if _, exponent, found := strings.Cut(strings.ToLower(text), "e"); found {
		if n, err := strconv.Atoi(exponent); err != nil || n < -64 || n > 64 {
			return 0, false // big.Rat would compute a number with that many digits
		}
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, false
	}
	r.Mul(r, big.NewRat(int64(Dollar), 1))
	half := big.NewRat(1, 2)
	if r.Sign() < 0 {
		half.Neg(half)
	}
	r.Add(r, half)
	n := new(big.Int).Quo(r.Num(), r.Denom())
	if !n.IsInt64() {
		return 0, false
	}
	return USD(n.Int64()), true
}

// String returns the amount in dollars as a decimal number without trailing zeros, such
// as 0.0125.
func (a USD) String() string {
	sign, n := "", uint64(a)
	if a < 0 {
		sign, n = "-", -n
	}
	whole, rest := n/uint64(Dollar), n%uint64(Dollar)
	text := sign + strconv.FormatUint(whole, 10)
	if rest == 0 {
		return text
	}
	digits := strconv.FormatUint(rest, 10)
	return text + "." + strings.TrimRight(strings.Repeat("0", 9-len(digits))+digits, "0")
}

// MarshalJSON writes the amount as a JSON number of dollars, all digits of it.
func (a USD) MarshalJSON() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalJSON reads a JSON number of dollars, as ParseUSD does. null leaves the amount as it
// is; anything else fails with an *AmountError.
func (a *USD) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	n, ok := ParseUSD(string(text))
	if !ok {
		return &AmountError{}
	}
	*a = n
	return nil
}

// AmountError is returned for JSON that is not an amount of dollars. It does not quote the
// text, which may be confidential.
type AmountError struct{}

// Error describes the expected text.
func (*AmountError) Error() string {
	return "pricing: an amount must be a number of dollars below 9.2 billion, such as 0.0125"
}
