package v1alpha1

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

const header = "apiVersion: config.rehome.kubeblocks.io/v1alpha1\nkind: Configuration\n"

func TestLoadFillsInDefaults(t *testing.T) {
	g := NewWithT(t)

	c, err := Load([]byte(header + "mode: Observe\nlimits: {attemptSpacing: 10s}\n"))

	g.Expect(err).NotTo(HaveOccurred())
	want := Defaults()
	want.Mode = Observe
	want.Limits.AttemptSpacing.Duration = 10 * time.Second
	g.Expect(c).To(Equal(want))
}

func TestLoadRefusesWhatIsWrongByItsPath(t *testing.T) {
	for name, c := range map[string]struct{ file, problem string }{
		"another kind":         {"kind: Configuration\n", "apiVersion and kind"},
		"an unknown field":     {header + "limits: {atempts: 3}\n", `unknown field "limits.atempts"`},
		"a field twice":        {header + "mode: Observe\nmode: Enforce\n", "mode"},
		"a wrong type":         {header + "limits: {remediationBurst: many}\n", "limits.remediationBurst"},
		"an unknown mode":      {header + "mode: Sometimes\n", `must be Enforce, Observe or Disabled, got "Sometimes"`},
		"off":                  {header + "mode: off\n", "write Disabled"},
		"Off":                  {header + "mode: Off\n", "write Disabled"},
		"a quoted off":         {header + "mode: 'oFF'\n", "write Disabled"},
		"false":                {header + "mode: false\n", "write Disabled"},
		"unknown Pods":         {header + "databasePods: Delete\n", `databasePods: Unsupported value: "Delete"`},
		"unknown Pods' rules":  {header + "restorePods: Loose\n", `restorePods: Unsupported value: "Loose"`},
		"a bad label":          {header + "identityLabels: [ok, not ok]\n", "identityLabels[1]"},
		"a bad namespace":      {header + "watchNamespaces: [Default]\n", "watchNamespaces[0]"},
		"unknown certificates": {header + "webhook: {certificates: Mine}\n", `webhook.certificates: Unsupported value: "Mine"`},
		"an unknown level":     {header + "logLevel: Loud\n", `logLevel: Unsupported value: "Loud"`},
		"a negative limit":     {header + "limits: {breakerCoolDown: -1s}\n", "limits.breakerCoolDown"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load([]byte(c.file))

			NewWithT(t).Expect(err).To(MatchError(ContainSubstring(c.problem)))
		})
	}
}

func TestStringIsOneLineWithEveryValue(t *testing.T) {
	g := NewWithT(t)

	text := Defaults().String()

	g.Expect(text).NotTo(ContainSubstring("\n"))
	g.Expect(text).To(ContainSubstring(`"mode":"Enforce"`))
	g.Expect(text).To(ContainSubstring(`"breakerCoolDown":"5m0s"`))
}
