package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"time"
)

// tool is something a model can ask for. It takes one string and returns text.
type tool struct {
	name, description string
	argument, example string
	call              func(ctx context.Context, argument string) (string, error)
}

// searchTool is offered like a tool. Its calls are retrievals: see agent.search.
const searchTool = "search_documents"

// toolbox returns the tools of the agents.
func toolbox(lib *library) []tool {
	return []tool{
		{searchTool, "Search the documents of this repository.", "query", "what is a ledger", nil},
		{"calculate", "Calculate with + - * / and parentheses.", "expression", "2 * (3 + 4)", calculate},
		{"count_words", "Count the words of a document.", "file", "architecture.md", lib.countWords},
		{"clock", "Tell the time.", "zone", "UTC", clock},
		{"weather", "Tell the weather.", "city", "Turin", weather},
	}
}

// callTool calls the tool with a name. Args are the model's: anything can be in them.
func callTool(ctx context.Context, tools []tool, name string, args json.RawMessage) (string, error) {
	for _, t := range tools {
		if t.name != name || t.call == nil {
			continue
		}
		var given map[string]string
		if err := json.Unmarshal(args, &given); err != nil {
			return "", fmt.Errorf("the arguments are not an object of strings: %w", err)
		}
		argument, ok := given[t.argument]
		if !ok {
			return "", fmt.Errorf("the argument %s is missing", t.argument)
		}
		return t.call(ctx, argument)
	}
	return "", fmt.Errorf("there is no tool %q", name)
}

// clock tells the time in a time zone.
func clock(_ context.Context, zone string) (string, error) {
	place, err := time.LoadLocation(zone)
	if err != nil {
		return "", err
	}
	return time.Now().In(place).Format(time.RFC1123), nil
}

// weather fails, as tools do.
func weather(context.Context, string) (string, error) {
	return "", errors.New("the weather service does not answer")
}

// countWords counts the words of a document.
func (l *library) countWords(_ context.Context, file string) (string, error) {
	text, ok := l.files[file]
	if !ok {
		return "", fmt.Errorf("there is no document %q", file)
	}
	return fmt.Sprintf("%s has %d words", file, len(strings.Fields(text))), nil
}

// maxExpression is the length of the longest expression that calculate takes, in bytes.
const maxExpression = 1000

// calculate evaluates an expression in the syntax of Go.
func calculate(_ context.Context, expression string) (string, error) {
	if len(expression) > maxExpression {
		return "", fmt.Errorf("the expression is %d bytes long, the limit is %d", len(expression), maxExpression)
	}
	parsed, err := parser.ParseExpr(expression)
	if err != nil {
		return "", fmt.Errorf("%q is not an expression: %w", expression, err)
	}
	value, err := evaluate(parsed)
	if err != nil {
		return "", err
	}
	return expression + " = " + strconv.FormatFloat(value, 'g', 12, 64), nil
}

func evaluate(e ast.Expr) (float64, error) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return evaluate(e.X)
	case *ast.BasicLit:
		return strconv.ParseFloat(e.Value, 64)
	case *ast.UnaryExpr:
		if e.Op == token.SUB {
			x, err := evaluate(e.X)
			return -x, err
		}
	case *ast.BinaryExpr:
		x, err := evaluate(e.X)
		if err != nil {
			return 0, err
		}
		y, err := evaluate(e.Y)
		if err != nil {
			return 0, err
		}
		return operate(x, e.Op, y)
	}
	return 0, errors.New("only numbers, + - * / and parentheses can be calculated")
}

func operate(x float64, op token.Token, y float64) (float64, error) {
	switch op {
	case token.ADD:
		return x + y, nil
	case token.SUB:
		return x - y, nil
	case token.MUL:
		return x * y, nil
	case token.QUO:
		if y == 0 {
			return 0, errors.New("division by zero")
		}
		return x / y, nil
	}
	return 0, fmt.Errorf("%s cannot be calculated", op)
}
