package main

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A mutation is one small change to a file: the bytes from start to end are replaced by text.
type mutation struct {
	file       string
	at         token.Position
	start, end int
	text       string
	what       string
	within     span // the statements around it, of which a changed copy can stand beside them; none outside functions
}

// A span is a part of a file, in bytes.
type span struct{ start, end int }

func (s span) holds(start, end int) bool { return s.start <= start && end <= s.end }

func (m mutation) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", filepath.Base(m.file), m.at.Line, m.at.Column, m.what)
}

// apply returns the source with the change.
func (m mutation) apply(source []byte) []byte {
	return []byte(string(source[:m.start]) + m.text + string(source[m.end:]))
}

// flipped has for each operator what it is changed to: for a comparison the one that tells at its
// border, which is where a test is most likely to be missing.
var flipped = map[token.Token]token.Token{
	token.EQL: token.NEQ, token.NEQ: token.EQL,
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.LAND: token.LOR, token.LOR: token.LAND,
	token.ADD: token.SUB, token.SUB: token.ADD, token.AND: token.OR, token.OR: token.AND,
}

// mutations returns all changes to the files of a package that are built on this system, in the
// order of the files.
func mutations(dir string) ([]mutation, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var list []mutation
	for _, file := range files {
		built, err := build.Default.MatchFile(dir, filepath.Base(file))
		if err != nil {
			return nil, err
		}
		if !built || strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		more, err := mutationsOf(file, source)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

// A mutator collects the changes to one file.
type mutator struct {
	file   string
	source []byte
	fset   *token.FileSet
	list   []mutation
	spans  []span
	ends   map[ast.Stmt]bool // without which a function with results would not end
}

func mutationsOf(file string, source []byte) ([]mutation, error) {
	m := &mutator{file: file, source: source, fset: token.NewFileSet(), ends: map[ast.Stmt]bool{}}
	tree, err := parser.ParseFile(m.fset, file, source, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return nil, err
	}
	if ast.IsGenerated(tree) {
		return nil, nil
	}
	for _, d := range tree.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			continue
		}
		ast.Inspect(d, m.visit)
	}
	return m.list, nil
}

func (m *mutator) add(start, end token.Pos, text, format string, args ...any) {
	at, to := m.fset.Position(start), m.fset.Position(end).Offset
	var within span
	for _, s := range m.spans {
		if s.holds(at.Offset, to) && (within == span{} || within.holds(s.start, s.end)) {
			within = s
		}
	}
	m.list = append(m.list, mutation{m.file, at, at.Offset, to, text, fmt.Sprintf(format, args...), within})
}

// code returns the source of a node, its first line only.
func (m *mutator) code(n ast.Node) string {
	text := string(m.source[m.fset.Position(n.Pos()).Offset:m.fset.Position(n.End()).Offset])
	line, _, more := strings.Cut(text, "\n")
	if more {
		line += " …"
	}
	return line
}

func (m *mutator) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		return !message(n)
	case *ast.Field: // tags of structs, and types
		return false
	case *ast.BinaryExpr:
		if to, ok := flipped[n.Op]; ok {
			m.add(n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), to.String(), "%s with %s", m.code(n), to)
		}
	case *ast.IfStmt:
		m.negate(n.Cond)
	case *ast.FuncDecl:
		if n.Type.Results != nil && n.Body != nil {
			m.end(n.Body)
		}
	case *ast.FuncLit:
		if n.Type.Results != nil {
			m.end(n.Body)
		}
	case *ast.BlockStmt:
		m.drop(n.List)
	case *ast.CommClause:
		m.drop(n.Body)
	case *ast.CaseClause:
		m.drop(n.Body)
		if len(n.List) == 1 && n.List[0] != nil {
			m.caseOf(n.List[0])
		}
	case *ast.BasicLit:
		m.literal(n)
	case *ast.Ident:
		if other := map[string]string{"true": "false", "false": "true"}[n.Name]; other != "" {
			m.add(n.Pos(), n.End(), other, "%s becomes %s", n.Name, other)
		}
	}
	return true
}

// message reports whether a call makes an error or a text, whose words no test has to know.
func message(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	switch f.Sel.Name {
	case "Errorf", "Sprintf":
		return true
	}
	p, ok := f.X.(*ast.Ident)
	return ok && p.Name == "errors" && f.Sel.Name == "New"
}

// negate turns a condition round, unless it is one comparison that its operator turns round.
func (m *mutator) negate(cond ast.Expr) {
	if b, ok := cond.(*ast.BinaryExpr); ok && (b.Op == token.EQL || b.Op == token.NEQ) {
		return
	}
	start, end := m.fset.Position(cond.Pos()).Offset, m.fset.Position(cond.End()).Offset
	m.add(cond.Pos(), cond.End(), "!("+string(m.source[start:end])+")", "if not: %s", m.code(cond))
}

// caseOf negates the condition of a case; of one that is a value, go build refuses the change.
func (m *mutator) caseOf(cond ast.Expr) {
	switch cond.(type) {
	case *ast.BinaryExpr, *ast.UnaryExpr, *ast.CallExpr:
		m.negate(cond)
	}
}

// end notes the statements that a function with results ends with.
func (m *mutator) end(s ast.Stmt) {
	m.ends[s] = true
	switch s := s.(type) {
	case *ast.BlockStmt:
		m.endList(s.List)
	case *ast.IfStmt:
		m.end(s.Body)
		if s.Else != nil {
			m.end(s.Else)
		}
	case *ast.LabeledStmt:
		m.end(s.Stmt)
	case *ast.SwitchStmt:
		m.endClauses(s.Body)
	case *ast.TypeSwitchStmt:
		m.endClauses(s.Body)
	case *ast.SelectStmt:
		m.endClauses(s.Body)
	}
}

func (m *mutator) endClauses(b *ast.BlockStmt) {
	for _, c := range b.List {
		switch c := c.(type) {
		case *ast.CaseClause:
			m.endList(c.Body)
		case *ast.CommClause:
			m.endList(c.Body)
		}
	}
}

func (m *mutator) endList(list []ast.Stmt) {
	if len(list) > 0 {
		m.end(list[len(list)-1])
	}
}

// drop leaves out each of the statements that a function can be without. What a statement declares
// is for all that follow it, so a copy of it takes them along.
func (m *mutator) drop(list []ast.Stmt) {
	for _, s := range list {
		within := span{m.fset.Position(s.Pos()).Offset, m.fset.Position(s.End()).Offset}
		switch s := s.(type) {
		case *ast.CaseClause, *ast.CommClause:
			continue
		case *ast.DeclStmt:
			within.end = m.fset.Position(list[len(list)-1].End()).Offset
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				within.end = m.fset.Position(list[len(list)-1].End()).Offset
			}
		}
		m.spans = append(m.spans, within)
	}
	for _, s := range list {
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.ReturnStmt, *ast.BranchStmt, *ast.DeferStmt, *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
		default:
			continue
		}
		if !m.ends[s] {
			m.add(s.Pos(), s.End(), "", "without: %s", m.code(s))
		}
	}
}

func (m *mutator) literal(lit *ast.BasicLit) {
	switch lit.Kind {
	case token.INT:
		m.add(lit.Pos(), lit.End(), "("+lit.Value+"+1)", "%s + 1", lit.Value)
	case token.STRING:
		text, err := strconv.Unquote(lit.Value)
		if err != nil || strings.Count(text, " ") > 1 { // a sentence, whose words no test has to know
			return
		}
		other := text + "~"
		if text != "" {
			other = ""
		}
		m.add(lit.Pos(), lit.End(), strconv.Quote(other), "%s becomes %q", m.code(lit), other)
	}
}
