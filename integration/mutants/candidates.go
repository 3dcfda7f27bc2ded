package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
)

// A mutant is one edit of one file.
type mutant struct {
	Package string // directory, relative to the workspace: "resolver/zone"
	File    string // relative too
	Func    string
	Line    int
	Was, Is string
	start   int
	end     int
}

// swapped has for an operator the one that a careless author would have written.
var swapped = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LAND: token.LOR, token.LOR: token.LAND,
	token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL,
}

// A finder collects the mutants of one file.
type finder struct {
	pkg, name string
	fn        string // the function that it is in
	files     *token.FileSet
	source    []byte
	found     []mutant
}

// candidates returns all mutants of the file, in the order of the source.
func candidates(pkg, name, path string) ([]mutant, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return find(pkg, name, source)
}

func find(pkg, name string, source []byte) ([]mutant, error) {
	f := &finder{pkg: pkg, name: name, files: token.NewFileSet(), source: source}
	file, err := parser.ParseFile(f.files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f.walk(file, nil)
	return f.found, nil
}

// walk looks at everything below the node. A return gives what the function around it, of type within, promises.
func (f *finder) walk(root ast.Node, within *ast.FuncType) {
	ast.Inspect(root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.FuncDecl:
			if n.Body != nil {
				f.fn = n.Name.Name
				f.walk(n.Body, n.Type)
			}
			f.fn = ""
			return false
		case *ast.FuncLit:
			f.walk(n.Body, n.Type)
			return false
		case *ast.IfStmt:
			f.edit(n.Cond, "!("+f.text(n.Cond)+")")
		case *ast.BinaryExpr:
			if op, ok := swapped[n.Op]; ok {
				f.edit(n, f.text(n.X)+" "+op.String()+" "+f.text(n.Y))
			}
		case *ast.BasicLit:
			if n.Kind == token.INT {
				f.edit(n, "("+n.Value+" + 1)")
			}
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.DeferStmt, *ast.BranchStmt:
			f.edit(n, "")
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				f.edit(n, "")
			}
		case *ast.ReturnStmt:
			f.edit(n, "")
			f.zeroed(n, within)
		}
		return true
	})
}

// zeroed has each result of the return be its type's zero value.
func (f *finder) zeroed(n *ast.ReturnStmt, within *ast.FuncType) {
	types := resultTypes(within)
	if len(types) != len(n.Results) {
		return
	}
	for i, result := range n.Results {
		of := f.text(types[i])
		switch f.text(result) {
		case "nil", "false", "0", `""`, of + "{}": // It is zero.
		default:
			f.edit(result, "*new("+of+")")
		}
	}
}

func resultTypes(fn *ast.FuncType) []ast.Expr {
	var types []ast.Expr
	if fn == nil || fn.Results == nil {
		return nil
	}
	for _, field := range fn.Results.List {
		for range max(1, len(field.Names)) {
			types = append(types, field.Type)
		}
	}
	return types
}

func (f *finder) edit(n ast.Node, is string) {
	at := f.files.Position(n.Pos())
	f.found = append(f.found, mutant{
		Package: f.pkg, File: f.name, Func: f.fn, Line: at.Line, Was: f.text(n), Is: is,
		start: at.Offset, end: f.files.Position(n.End()).Offset,
	})
}

func (f *finder) text(n ast.Node) string {
	return string(f.source[f.files.Position(n.Pos()).Offset:f.files.Position(n.End()).Offset])
}

// apply returns the source with the mutant's edit.
func (m *mutant) apply(source []byte) []byte {
	return fmt.Appendf(nil, "%s%s%s", source[:m.start], m.Is, source[m.end:])
}
