package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// maxInput is the limit of an input in bytes, after decompression.
	maxInput = 256 << 20
	// urlTimeout limits the download of an input.
	urlTimeout = time.Minute
)

// extensions are those of the files that are read from a folder.
var extensions = []string{".json", ".yaml", ".yml", ".json.gz", ".yaml.gz", ".yml.gz"}

// readFiles reads the objects of files, folders, URLs and, for "-", of standard input.
func readFiles(ctx context.Context, names []string, stdin io.Reader) (documents, error) {
	all := documents{empty: true}
	for _, name := range names {
		found, err := readFile(ctx, name, stdin)
		if err != nil {
			return documents{}, err
		}
		all.merge(found)
	}
	return all, nil
}

// eachInput visits what each file, each file of a folder, each URL and, for "-", standard input holds, one after another.
func eachInput(ctx context.Context, names []string, stdin io.Reader, visit func(documents)) error {
	for _, name := range names {
		files := []string{name}
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			if files, err = filesOf(name); err != nil {
				return err
			}
		}
		for _, file := range files {
			found, err := readFile(ctx, file, stdin)
			if err != nil {
				return err
			}
			visit(found)
		}
	}
	return nil
}

func readFile(ctx context.Context, name string, stdin io.Reader) (documents, error) {
	switch {
	case name == "-":
		return readStream(stdin, name)
	case strings.HasPrefix(name, "http://"), strings.HasPrefix(name, "https://"):
		return readURL(ctx, name)
	}
	info, err := os.Stat(name)
	if err != nil {
		return documents{}, pathError(name, err)
	}
	if !info.IsDir() {
		return readPath(name)
	}
	return readFolder(name)
}

func readPath(name string) (documents, error) {
	file, err := os.Open(name)
	if err != nil {
		return documents{}, pathError(name, err)
	}
	defer file.Close()
	return readStream(file, name)
}

func readFolder(name string) (documents, error) {
	files, err := filesOf(name)
	if err != nil {
		return documents{}, err
	}
	all := documents{empty: true}
	for _, file := range files {
		found, err := readPath(file)
		if err != nil {
			return documents{}, err
		}
		all.merge(found)
	}
	return all, nil
}

// filesOf lists the files of a folder and not those of its folders, as kubectl does.
func filesOf(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, pathError(folder, err)
	}
	var files []string
	for _, entry := range entries {
		isInput := slices.ContainsFunc(extensions, func(e string) bool { return strings.HasSuffix(entry.Name(), e) })
		if !entry.IsDir() && isInput {
			files = append(files, filepath.Join(folder, entry.Name()))
		}
	}
	return files, nil
}

func readURL(ctx context.Context, url string) (documents, error) {
	ctx, cancel := context.WithTimeout(ctx, urlTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return documents{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return documents{}, err // it names the URL
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return documents{}, fmt.Errorf("%s: %s", url, response.Status)
	}
	return readStream(response.Body, url)
}

// readStream reads objects, which can be compressed with gzip.
func readStream(r io.Reader, name string) (documents, error) {
	in := bufio.NewReader(r)
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(in)
		if err != nil {
			return documents{}, fmt.Errorf("%s: %w", name, err)
		}
		in = bufio.NewReader(unzipped)
	}
	limited := &io.LimitedReader{R: in, N: maxInput}
	found, err := readDocuments(limited, name)
	if err == nil && limited.N == 0 {
		err = fmt.Errorf(problemTooLarge, name, maxInput>>20)
	}
	return found, err
}

// pathError names the path once.
func pathError(name string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%s: %w", cmp.Or(name, "-"), err)
}
