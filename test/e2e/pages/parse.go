package pages

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"sigs.k8s.io/yaml"
)

// programs are the first words of commands.
var programs = []string{
	"amtool", "cd", "cosign", "crane", "ctr", "curl", "docker", "git", "go", "helm", "jq", "kind", "kubectl", "make",
	"mkdir", "rehome", "sha256sum", "skopeo",
}

// shells are the languages of fenced blocks that hold commands. A block without a language is read like an indented one.
var shells = []string{"sh", "bash", "console"}

// prompt begins a command in a block that also holds its output.
const prompt = "$ "

// minSpan is the number of words from which code in a sentence is a command. "kubectl rehome" only names one.
const minSpan = 3

// Command is a command of a page.
type Command struct {
	Page string
	Line int
	Text string
	// Output is what the page says that the command prints.
	Output string
}

// String returns where the command stands, and the command.
func (c Command) String() string { return fmt.Sprintf("%s:%d: %s", c.Page, c.Line, c.Text) }

// Parse returns the commands in the Markdown of a page.
func Parse(page string, source []byte) ([]Command, error) {
	var commands []Command
	document := goldmark.DefaultParser().Parse(text.NewReader(source))
	err := ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		found, err := parseNode(node, source)
		for i := range found {
			found[i].Page = page
		}
		if err != nil {
			return ast.WalkStop, fmt.Errorf("%s:%w", page, err)
		}
		commands = append(commands, found...)
		return ast.WalkContinue, nil
	})
	return commands, err
}

func parseNode(node ast.Node, source []byte) ([]Command, error) {
	switch node := node.(type) {
	case *ast.FencedCodeBlock:
		language := string(node.Language(source))
		if language != "" && !slices.Contains(shells, language) {
			return nil, nil
		}
		return parseBlock(node.Lines(), source, language != "")
	case *ast.CodeBlock:
		return parseBlock(node.Lines(), source, false)
	case *ast.CodeSpan:
		return parseSpan(node, source), nil
	}
	return nil, nil
}

// parseSpan returns the command in the code of a sentence, if it is one.
func parseSpan(span *ast.CodeSpan, source []byte) []Command {
	var code strings.Builder
	line := 0
	for child := span.FirstChild(); child != nil; child = child.NextSibling() {
		if segment, ok := child.(*ast.Text); ok {
			code.Write(segment.Segment.Value(source))
			if line == 0 {
				line = lineOf(source, segment.Segment.Start)
			}
		}
	}
	if words := strings.Fields(code.String()); len(words) < minSpan || !isCommand(code.String()) {
		return nil
	}
	return []Command{{Line: line, Text: code.String()}}
}

// parseBlock returns the commands of a block of code. sure says that the block declares itself to hold some.
func parseBlock(segments *text.Segments, source []byte, sure bool) ([]Command, error) {
	if segments.Len() == 0 {
		return nil, nil
	}
	first := lineOf(source, segments.At(0).Start)
	lines := strings.Split(strings.TrimRight(string(segments.Value(source)), "\n"), "\n")
	switch {
	case slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, prompt) }):
		return parseSession(lines, first), nil
	case sure || isCommand(lines[0]):
		return parseScript(lines, first)
	case isYAML(strings.Join(lines, "\n")):
		return nil, nil
	}
	return nil, fmt.Errorf("%d: %q is neither YAML nor a command of %s", first, lines[0], strings.Join(programs, ", "))
}

// parseScript returns one command per line. A line that ends in a backslash continues.
func parseScript(lines []string, first int) ([]Command, error) {
	var commands []Command
	continued := false
	for i, line := range lines {
		part, more := strings.CutSuffix(line, "\\")
		switch {
		case continued:
			commands[len(commands)-1].Text += " " + strings.TrimSpace(part)
		case strings.TrimSpace(line) == "":
			continue
		case !isCommand(line):
			return nil, fmt.Errorf("%d: %q is not a command of %s", first+i, line, strings.Join(programs, ", "))
		default:
			commands = append(commands, Command{Line: first + i, Text: strings.TrimSpace(part)})
		}
		continued = more
	}
	return commands, nil
}

// parseSession returns the commands after prompts, with the lines below them as their output.
func parseSession(lines []string, first int) []Command {
	var commands []Command
	for i, line := range lines {
		if command, ok := strings.CutPrefix(line, prompt); ok {
			commands = append(commands, Command{Line: first + i, Text: command})
		} else if len(commands) > 0 {
			commands[len(commands)-1].Output += line + "\n"
		}
	}
	return commands
}

func isCommand(line string) bool {
	words := strings.Fields(strings.TrimPrefix(line, "("))
	return len(words) > 0 && slices.Contains(programs, words[0])
}

// isYAML reports whether a text is a mapping or a list. A command of an unknown program is a string to YAML.
func isYAML(block string) bool {
	var parsed any
	if err := yaml.Unmarshal([]byte(block), &parsed); err != nil {
		return false
	}
	_, isString := parsed.(string)
	return !isString
}

func lineOf(source []byte, offset int) int { return bytes.Count(source[:offset], []byte("\n")) + 1 }
