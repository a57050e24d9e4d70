package kubeblocks

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// counted is what the elements of a list count as.
type counted byte

const (
	asRules counted = iota + 1
	asParts
)

// lists are those whose elements are counted.
var lists = map[string]counted{
	"requiredDuringSchedulingIgnoredDuringExecution": asRules, "preferredDuringSchedulingIgnoredDuringExecution": asRules,
	"nodeSelectorTerms": asRules, "topologySpreadConstraints": asRules,
	"componentSpecs": asParts, "shardings": asParts, "shardingSpecs": asParts, "shardTemplates": asParts, "instances": asParts,
}

// scan counts what a snapshot holds without decoding it, and fails at the first limit. It reads invalid JSON as if it were valid.
func scan(snapshot []byte) (counter, error) {
	if len(snapshot) > MaxSnapshot {
		return counter{}, fmt.Errorf(textTooLarge, len(snapshot), MaxSnapshot)
	}
	var c counter
	for at := 0; at < len(snapshot); {
		from := at
		switch snapshot[from] {
		case ' ', '\t', '\r', '\n', ',', ':':
			at++
			continue
		case '}', ']':
			at++
			c.leave()
			continue
		case '{', '[':
			at++
		case '"':
			at = afterString(snapshot, from)
			if c.name(snapshot[from:at]) {
				continue
			}
		default:
			at = afterLiteral(snapshot, from)
		}
		if err := c.value(snapshot[from]); err != nil {
			return c, err
		}
	}
	return c, nil
}

// afterString returns the end of the string that begins at a quote.
func afterString(snapshot []byte, from int) int {
	for at := from + 1; ; {
		quote := bytes.IndexByte(snapshot[at:], '"')
		if quote < 0 {
			return len(snapshot)
		}
		at += quote + 1
		escapes := 0
		for snapshot[at-2-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return at
		}
	}
}

// afterLiteral returns the end of a number, or of true, false or null.
func afterLiteral(snapshot []byte, from int) int {
	if end := bytes.IndexAny(snapshot[from:], ",]} \t\r\n:[{\""); end > 0 {
		return from + end
	}
	return len(snapshot)
}

// counter counts values of JSON.
type counter struct {
	open                 []container
	rules, parts, values int
}

// container is an object or a list that is being read.
type container struct {
	list bool
	// named says that an object's next token is the value of a field.
	named bool
	// elements is what the elements of a list count as, or of one in the field of an object which is read next.
	elements counted
}

// name reports whether a string is the name of an object's field, and remembers it.
func (c *counter) name(quoted []byte) bool {
	if len(c.open) == 0 {
		return false
	}
	top := &c.open[len(c.open)-1]
	if top.list || top.named {
		return false
	}
	name := bytes.Trim(quoted, `"`)
	if bytes.IndexByte(name, '\\') >= 0 {
		var unquoted string
		_ = json.Unmarshal(quoted, &unquoted) // the decoder reports an error
		name = []byte(unquoted)
	}
	top.named, top.elements = true, lists[string(name)]
	return true
}

// value counts a value that begins with a character.
func (c *counter) value(begin byte) error {
	isContainer := begin == '{' || begin == '['
	inner := container{list: begin == '['}
	if len(c.open) > 0 {
		top := &c.open[len(c.open)-1]
		if top.list {
			c.element(top.elements)
		}
		inner.elements, top.named = top.elements, false
	}
	c.values++
	if isContainer {
		c.open = append(c.open, inner)
	}
	return c.exceeded()
}

// leave ends an object or a list.
func (c *counter) leave() {
	if len(c.open) > 0 {
		c.open = c.open[:len(c.open)-1]
	}
}

// element counts an element of a list.
func (c *counter) element(as counted) {
	switch as {
	case asRules:
		c.rules++
	case asParts:
		c.parts++
	}
}

func (c *counter) exceeded() error {
	switch {
	case len(c.open) > maxDepth:
		return fmt.Errorf(textTooDeep, maxDepth)
	case c.rules > maxRules:
		return fmt.Errorf(textTooManyOrMore, maxRules, "scheduling rules")
	case c.parts > maxParts:
		return fmt.Errorf(textTooManyOrMore, maxParts, "components and instances")
	case c.values > maxValues:
		return fmt.Errorf(textTooManyOrMore, maxValues, "values")
	default:
		return nil
	}
}
