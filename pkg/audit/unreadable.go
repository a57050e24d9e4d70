package audit

import (
	"errors"
	"strings"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// textDefect describes a snapshot that the judge fails on.
const textDefect = "rehome cannot judge it, which is a defect of rehome: %v"

// unreadable describes a snapshot that cannot be read.
func unreadable(err error) Finding {
	class := BadSnapshot
	if errors.Is(err, kubeblocks.ErrNoSnapshot) {
		class = NoSnapshot
	}
	text := err.Error()
	if _, reason, ok := strings.Cut(text, kubeblocks.ErrBadSnapshot.Error()+": "); ok {
		text = reason // without the name of the Backup, which others share
	} else if class == NoSnapshot {
		text = kubeblocks.ErrNoSnapshot.Error()
	}
	return withoutData(class, text)
}

func withoutData(class rewrite.Class, text string) Finding {
	return Finding{Class: class, Effect: NoData, Ways: []Way{ByManifest, ByOpsRequest}, Rule: text}
}
