package spin_test

import (
	"encoding/json"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const machine = "kevlar/kernel/machine/"

// A listed package is what go list tells of it.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

// A tree is the machine layer as the guest's kernel is built, with types.
type tree struct {
	fset    *token.FileSet
	exports map[string]string // files with export data, by import path
	info    types.Info
	funcs   map[string]*ast.FuncDecl // by types.Func.FullName
	objects map[*ast.FuncDecl]*types.Func
}

func load(t *testing.T) *tree {
	t.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-tags", "baremetal", "-json=ImportPath,Dir,Export,GoFiles", machine+"...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	tr := &tree{
		fset: token.NewFileSet(), exports: map[string]string{},
		info: types.Info{
			Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
			Types: map[ast.Expr]types.TypeAndValue{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		},
		funcs: map[string]*ast.FuncDecl{}, objects: map[*ast.FuncDecl]*types.Func{},
	}
	var own []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		tr.exports[p.ImportPath] = p.Export
		if strings.HasPrefix(p.ImportPath, machine) {
			own = append(own, p)
		}
	}
	imports := importer.ForCompiler(tr.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(tr.exports[path]) })
	for _, p := range own {
		tr.check(t, p, imports)
	}
	return tr
}

// check gives the functions of a package their types.
func (tr *tree) check(t *testing.T, p listed, imports types.Importer) {
	t.Helper()
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(tr.fset, filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	c := types.Config{Importer: imports, Sizes: types.SizesFor("gc", "amd64")}
	if _, err := c.Check(p.ImportPath, tr.fset, files, &tr.info); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for _, d := range f.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name != "_" && (f.Name.Name != "init" || f.Recv != nil) {
				o := tr.info.Defs[f.Name].(*types.Func)
				tr.funcs[o.FullName()], tr.objects[f] = f, o
			}
		}
	}
}

// nosplit reports whether a call of f cannot grow the stack: the source says
// so, or it is assembly.
func nosplit(f *ast.FuncDecl) bool {
	if f.Body == nil {
		return true
	}
	if f.Doc != nil {
		for _, c := range f.Doc.List {
			if c.Text == "//go:nosplit" {
				return true
			}
		}
	}
	return false
}

// callee returns the function that a call names, nil if it is a conversion, a
// builtin or a function value; dynamic tells the last.
func (tr *tree) callee(c *ast.CallExpr) (f *types.Func, dynamic bool) {
	fun := ast.Unparen(c.Fun)
	if i, ok := fun.(*ast.IndexExpr); ok {
		fun = i.X // a generic function
	}
	var id *ast.Ident
	switch x := fun.(type) {
	case *ast.Ident:
		id = x
	case *ast.SelectorExpr:
		id = x.Sel
	default:
		return nil, !tr.info.Types[fun].IsType()
	}
	switch o := tr.info.Uses[id].(type) {
	case *types.Func:
		if r := o.Signature().Recv(); r != nil && types.IsInterface(r.Type()) {
			return nil, true
		}
		return o.Origin(), false
	case *types.Var:
		return nil, true
	}
	return nil, false
}

// intrinsic reports whether a function of the standard library is compiled to
// instructions, not to a call.
func intrinsic(f *types.Func) bool {
	switch f.Pkg().Path() {
	case "sync/atomic", "math/bits", "internal/runtime/atomic":
		return true
	}
	return false
}

// TestCriticalSectionsCannotBeLeft follows the functions that take a spin lock
// or turn interrupts off. Where the Go compiler lets a function's stack grow,
// the scheduler may also take the goroutine off the CPU, with the lock held.
// Trap context is not followed: its stacks neither grow nor have goroutines.
// So whatever may be called from goroutine context, being exported or nosplit,
// must be nosplit to the last.
func TestCriticalSectionsCannotBeLeft(t *testing.T) {
	tr := load(t)
	sections := 0
	for f, o := range tr.objects {
		if f.Body == nil {
			continue
		}
		name := o.FullName()
		locks := false
		ast.Inspect(f.Body, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			callee, dynamic := tr.callee(c)
			if callee != nil && (callee.FullName() == "(*"+machine+"spin.Lock).Lock" || callee.FullName() == machine+"spin.Disable") {
				locks = true
			}
			if !nosplit(f) {
				return true
			}
			at := tr.fset.Position(c.Pos())
			switch {
			case dynamic:
				t.Errorf("%s: %s, which is nosplit, calls a function value", at, name)
			case callee == nil || intrinsic(callee):
			case tr.funcs[callee.FullName()] == nil:
				t.Errorf("%s: %s, which is nosplit, calls %s", at, name, callee.FullName())
			case !nosplit(tr.funcs[callee.FullName()]):
				t.Errorf("%s: %s, which is nosplit, calls %s, which is not", at, name, callee.FullName())
			}
			return true
		})
		if nosplit(f) {
			ast.Inspect(f.Body, func(n ast.Node) bool {
				if d, ok := n.(*ast.DeferStmt); ok {
					t.Errorf("%s: %s, which is nosplit, defers", tr.fset.Position(d.Pos()), name)
				}
				return true
			})
		}
		if locks {
			sections++
			if ast.IsExported(f.Name.Name) && !nosplit(f) {
				t.Errorf("%s: %s takes a spin lock or turns interrupts off, and is not nosplit", tr.fset.Position(f.Pos()), name)
			}
		}
	}
	if sections < 20 {
		t.Errorf("%d critical sections were found; there are more", sections)
	}
}
