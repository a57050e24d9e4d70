package placement

import (
	"strings"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// pageEdit is a change that a page shows.
type pageEdit struct{ From, To string }

// editsOf returns the edits of the rule at a path.
func editsOf(edits []rewrite.Edit, path string) []rewrite.Edit {
	var of []rewrite.Edit
	for _, e := range edits {
		if strings.HasPrefix(e.Path, path+"/") {
			of = append(of, e)
		}
	}
	return of
}

func pageEdits(edits []rewrite.Edit) []pageEdit {
	shown := make([]pageEdit, 0, len(edits))
	for _, e := range edits {
		from, to := e.Texts()
		shown = append(shown, pageEdit{from, to})
	}
	return shown
}
