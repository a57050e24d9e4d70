package pictures

import (
	"bytes"
	"embed"
	"html"
	"text/template"
)

//go:embed templates/*.tmpl
var templates embed.FS

// Draw returns the pictures of a Recording by file name.
func Draw(r Recording) (map[string][]byte, error) {
	drawn := map[string][]byte{}
	for name, words := range languages() {
		picture, err := render("nodes.svg.tmpl", r.grid(words))
		if err != nil {
			return nil, err
		}
		drawn[name] = picture
	}
	cast, err := render("demo.svg.tmpl", r.cast())
	drawn["demo.svg"] = cast
	return drawn, err
}

func render(name string, data any) ([]byte, error) {
	functions := template.FuncMap{"text": html.EscapeString}
	t, err := template.New(name).Funcs(functions).ParseFS(templates, "templates/"+name)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, data)
	return out.Bytes(), err
}
