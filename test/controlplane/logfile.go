package controlplane

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// endingLines and endingBytes bound the part of a log in an error, which is one line.
const (
	endingLines = 3
	endingBytes = 1000
)

// logFile is the log of one process.
type logFile struct {
	path string
	kept bool // whether it outlives the control plane, so its path is useful
}

// open opens the log for appending, because a program that is started twice under one name has one log.
func (l logFile) open() (*os.File, error) {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	return f, nil
}

// ending returns the last lines of the log, as a clause for the end of a one-line message.
func (l logFile) ending() string {
	text, err := l.lastBytes()
	if err != nil {
		return fmt.Sprintf("; its log cannot be read: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	text = strings.Join(lines[max(0, len(lines)-endingLines):], " | ")
	if l.kept {
		return fmt.Sprintf("; log %s ends: %s", l.path, text)
	}
	return "; its log ends: " + text
}

func (l logFile) lastBytes() (string, error) {
	f, err := os.Open(l.path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-endingBytes), endingBytes))
	return string(content), err
}
