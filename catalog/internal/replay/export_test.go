package replay

// What tests compare with published vectors.
var (
	BaseString = baseString
	Signature  = signature
)
