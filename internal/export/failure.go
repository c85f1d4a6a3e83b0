package export

import "github.com/soquy/soquy/domain"

// A Failure is why something is not what it claims to be, or could not be written: a stable code with arguments.
type Failure struct {
	Code string
	Args []domain.Arg
	Err  error // the cause; may be nil
	// Integrity says that something is not as it was signed; else it could not be read or used.
	Integrity bool
}

func (f *Failure) Error() string {
	if f.Err != nil {
		return f.Code + ": " + f.Err.Error()
	}
	return f.Code
}

func (f *Failure) Unwrap() error { return f.Err }

// broken is a failure of integrity; args are names and values in turn.
func broken(code string, err error, args ...string) *Failure {
	f := &Failure{Code: code, Err: err, Integrity: true}
	for i := 0; i+1 < len(args); i += 2 {
		f.Args = append(f.Args, domain.Arg{Name: args[i], Value: args[i+1]})
	}
	return f
}

// unusable is a failure to read or write.
func unusable(code string, err error, args ...string) *Failure {
	f := broken(code, err, args...)
	f.Integrity = false
	return f
}
