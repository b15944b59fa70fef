package ask

// Hidden is hidden.
var Hidden = hidden
