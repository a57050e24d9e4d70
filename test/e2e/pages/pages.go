package pages

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Plans are the plans of all commands of the documentation.
type Plans []Plan

// Read returns the plans of the commands in the pages for users, in the order of the pages. It is an error if a rule matches no command.
func Read(root string) (Plans, error) {
	files, err := userPages(root)
	if err != nil {
		return nil, err
	}
	var commands []Command
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		page, err := filepath.Rel(root, file)
		if err != nil {
			return nil, err
		}
		found, err := Parse(page, source)
		if err != nil {
			return nil, err
		}
		commands = append(commands, found...)
	}
	return planAll(commands, rules())
}

// userPages returns the pages for users. The decisions are for developers.
func userPages(root string) ([]string, error) {
	var files []string
	for _, pattern := range []string{"README*.md", "charts/rehome/README.md", "docs/*.md", "docs/runbooks/*.md", "docs/zh-CN/*.md", "docs/zh-CN/runbooks/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}

func planAll(commands []Command, rules []Rule) (Plans, error) {
	plans := make(Plans, 0, len(commands))
	used := make([]bool, len(rules))
	for _, command := range commands {
		p, rule, err := command.plan(rules)
		if err != nil {
			return nil, err
		}
		if rule >= 0 {
			used[rule] = true
		}
		plans = append(plans, p)
	}
	if unused := slices.Index(used, false); unused >= 0 {
		return nil, fmt.Errorf("no command matches the rule %q: remove it", rules[unused].Pattern)
	}
	return plans, nil
}

// In returns the plans of a stage, without repetitions.
func (p Plans) In(stage Stage) Plans {
	var found Plans
	for _, plan := range p {
		repeated := slices.ContainsFunc(found, func(other Plan) bool { return other.Text == plan.Text && other.Command.Output == plan.Command.Output })
		if plan.Stage == stage && !repeated {
			found = append(found, plan)
		}
	}
	return found
}

// placeholder is a word that stands for a name of the reader's.
var placeholder = regexp.MustCompile(`\b[A-Z][A-Z_]+\b`)

// Fill replaces each placeholder, and each name that KubeBlocks draws, by its value.
func (p Plan) Fill(values map[string]string) (Plan, error) {
	var unknown []string
	filled := placeholder.ReplaceAllStringFunc(p.Text, func(word string) string {
		value, known := values[word]
		if !known {
			unknown = append(unknown, word)
		}
		return value
	})
	if len(unknown) > 0 {
		return p, fmt.Errorf("%s: nothing says what %s stands for", p, strings.Join(unknown, ", "))
	}
	for name, value := range values {
		if !placeholder.MatchString(name) {
			filled = strings.ReplaceAll(filled, name, value)
		}
	}
	p.Text = filled
	return p, nil
}
