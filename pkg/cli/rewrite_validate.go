package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

func (o *rewriteOptions) validate(args []string) error {
	switch {
	case len(args) > 0 && len(o.files) > 0:
		return fmt.Errorf(problemFileAndArguments, args[0])
	case len(args) == 0 && len(o.files) == 0:
		return errors.New(problemNoInput)
	case o.to == "":
		return errors.New(problemNoTarget)
	}
	if problems := validation.IsDNS1035Label(o.to); len(problems) > 0 {
		return fmt.Errorf(problemTarget, o.to, problems[0])
	}
	if problems := validation.IsDNS1123Label(o.toNamespace); o.toNamespace != "" && len(problems) > 0 {
		return fmt.Errorf(problemTargetNamespace, o.toNamespace, problems[0])
	}
	if !slices.Contains(outputs(), o.output) {
		return fmt.Errorf(problemOutput, o.output, strings.Join(outputs(), ", "))
	}
	if o.version != "" && !slices.Contains(kubeblocks.Versions(), kubeblocks.Version(o.version)) {
		return fmt.Errorf(problemVersion, o.version, versions())
	}
	return o.validateRestore()
}

func (o *rewriteOptions) validateRestore() error {
	switch strings.ToLower(o.policy) {
	case "":
	case "parallel":
		o.manifest.VolumeRestorePolicy = kubeblocks.RestoreParallel
	case "serial":
		o.manifest.VolumeRestorePolicy = kubeblocks.RestoreSerial
	default:
		return fmt.Errorf(problemVolumeRestorePolicy, o.policy)
	}
	if o.restoreTime == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339, o.restoreTime)
	if err != nil {
		return fmt.Errorf(problemRestoreTime, o.restoreTime)
	}
	o.manifest.RestoreTime = at.UTC().Format(time.RFC3339)
	return nil
}
