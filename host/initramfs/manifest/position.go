package manifest

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// A Pos is a place in a manifest, counted from 1. The zero Pos is no place: the manifest was not read
// from a file.
type Pos struct{ Line, Column int }

// An Error is what is wrong at a place of a manifest.
type Error struct {
	Manifest string
	Pos      Pos
	Err      error
}

func (e *Error) Error() string {
	if e.Pos.Line == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("%s:%d:%d: %v", e.Manifest, e.Pos.Line, e.Pos.Column, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an error about a place of the manifest.
func (m *Manifest) Errorf(at Pos, format string, args ...any) error {
	return &Error{m.Name, at, fmt.Errorf(format, args...)}
}

// At adds the place to an error.
func (m *Manifest) At(at Pos, err error) error {
	if err == nil {
		return nil
	}
	return &Error{m.Name, at, err}
}

// decodeError gives an error of the decoder its place: that of the first key that is unknown, or where
// the text is no TOML or has a value of the wrong type.
func decodeError(name string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		first := &strict.Errors[0]
		line, column := first.Position()
		return &Error{name, Pos{line, column}, fmt.Errorf("unknown key %q", lastOf(first.Key()))}
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		line, column := decode.Position()
		return &Error{name, Pos{line, column}, errors.New(typeError(decode.Error()))}
	}
	return fmt.Errorf("%s: %w", name, err)
}

// mismatch is how the decoder tells of a value of the wrong type.
var mismatch = regexp.MustCompile(`cannot decode TOML (\w+) into .* of type \*?(\S+)$`)

// tomlTypes are what TOML calls Go's types.
var tomlTypes = map[string]string{
	"string": "a string", "uint32": "an integer", "[]string": "an array of strings", "map[string]string": "a table of strings",
}

// typeError makes a message of the decoder speak of the manifest, not of Go.
func typeError(message string) string {
	message = strings.TrimPrefix(message, "toml: ")
	found := mismatch.FindStringSubmatch(message)
	if found == nil {
		return message
	}
	wanted, ok := tomlTypes[found[2]]
	if !ok {
		wanted = "something else"
	}
	return fmt.Sprintf("%s where %s belongs", found[1], wanted)
}

func lastOf(key toml.Key) string {
	if len(key) == 0 {
		return ""
	}
	return key[len(key)-1]
}

// tables returns where each table of an array of tables begins, by the name of the array. The text has
// been decoded before, so it is in order.
func tables(text []byte) map[string][]Pos {
	found := map[string][]Pos{}
	var p unstable.Parser
	p.Reset(text)
	for p.NextExpression() {
		e := p.Expression()
		if e.Kind != unstable.ArrayTable {
			continue
		}
		key := e.Key()
		if !key.Next() || !key.IsLast() {
			continue // of a table within another
		}
		k := key.Node()
		start := p.Shape(k.Raw).Start
		// The table begins with its brackets.
		found[string(k.Data)] = append(found[string(k.Data)], Pos{start.Line, max(start.Column-2, 1)})
	}
	return found
}
