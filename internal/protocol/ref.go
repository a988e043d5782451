package protocol

// Ref names one entity of a repository. It is comparable, so it can be a map key.
type Ref struct {
	Kind Kind
	ID   string
}
