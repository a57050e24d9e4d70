package v1alpha1

import (
	gojson "encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// GroupVersion is the apiVersion of a configuration file.
var GroupVersion = schema.GroupVersion{Group: "config.rehome.kubeblocks.io", Version: "v1alpha1"}

// Kind is the kind of a configuration file.
const Kind = "Configuration"

// Defaults returns the configuration of an operator without a file.
func Defaults() *Configuration {
	c := &Configuration{}
	c.setDefaults()
	return c
}

// LoadFile reads the configuration file of that name, and returns the defaults where the name is empty.
func LoadFile(name string) (*Configuration, error) {
	if name == "" {
		return Defaults(), nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	c, err := Load(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// Load reads a configuration file in YAML or JSON. The error names by its path each field that is unknown, duplicate or invalid.
func Load(data []byte) (*Configuration, error) {
	c := &Configuration{}
	if err := c.decode(data); err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	if got, want := c.GroupVersionKind(), GroupVersion.WithKind(Kind); got != want {
		return nil, fmt.Errorf("apiVersion and kind are %q and %q, not %q and %q", c.APIVersion, c.Kind, GroupVersion, Kind)
	}
	c.setDefaults()
	if problems := c.validate(); len(problems) > 0 {
		return nil, problems.ToAggregate()
	}
	return c, nil
}

// String returns the configuration on one line, for a log.
func (c *Configuration) String() string {
	data, err := gojson.Marshal(c)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func (c *Configuration) decode(data []byte) error {
	object, err := yaml.YAMLToJSONStrict(data)
	if err != nil {
		return err
	}
	// Unlike the YAML decoder, this one names a field by its whole path.
	strict, err := json.UnmarshalStrict(object, c)
	return errors.Join(append(strict, err)...)
}

func (c *Configuration) setDefaults() {
	c.SetGroupVersionKind(GroupVersion.WithKind(Kind))
	setDefault(&c.Mode, Enforce)
	setDefault(&c.RestorePods, Inherit)
	setDefault(&c.DatabasePods, RecreateDatabasePods)
	setDefault(&c.CrossNamespaceBackups, ptr.To(true))
	setDefault(&c.Metrics.BindAddress, ":8443")
	setDefault(&c.Health.BindAddress, ":8081")
	setDefault(&c.LogLevel, LogInfo)
	setDefault(&c.Webhook.BindAddress, "0")
	setDefault(&c.Webhook.Certificates, SelfSignedCertificates)
	setDefault(&c.Webhook.CertificateDirectory, "/etc/rehome-webhook")
	setDefault(&c.Webhook.Configuration, "rehome-webhook")
	l := &c.Limits
	setDefault(&l.AttemptsPerRestore, 3)
	setDefault(&l.AttemptSpacing.Duration, 30*time.Second)
	setDefault(&l.RemediationsPerMinute, 10)
	setDefault(&l.RemediationBurst, 50)
	setDefault(&l.BreakerCoolDown.Duration, 5*time.Minute)
}

func setDefault[T comparable](value *T, to T) {
	var zero T
	if *value == zero {
		*value = to
	}
}

func (c *Configuration) validate() field.ErrorList {
	var problems field.ErrorList
	if _, err := ParseMode(string(c.Mode)); err != nil {
		problems = append(problems, field.Invalid(field.NewPath("mode"), string(c.Mode), err.Error()))
	}
	problems = append(problems, oneOf(field.NewPath("restorePods"), c.RestorePods, Inherit, Auto, Relaxed)...)
	problems = append(problems, oneOf(field.NewPath("databasePods"), c.DatabasePods, RecreateDatabasePods, ReportDatabasePods)...)
	problems = append(problems, oneOf(field.NewPath("logLevel"), c.LogLevel, LogError, LogInfo, LogDebug, LogTrace)...)
	problems = append(problems, oneOf(field.NewPath("webhook", "certificates"), c.Webhook.Certificates,
		SelfSignedCertificates, CertManagerCertificates, ExistingCertificates)...)
	problems = append(problems, each(field.NewPath("identityLabels"), c.IdentityLabels, validation.IsQualifiedName)...)
	problems = append(problems, each(field.NewPath("watchNamespaces"), c.WatchNamespaces, validation.IsDNS1123Label)...)
	return append(problems, c.Limits.validate(field.NewPath("limits"))...)
}

func oneOf[T ~string](at *field.Path, value T, of ...T) field.ErrorList {
	if slices.Contains(of, value) {
		return nil
	}
	return field.ErrorList{field.NotSupported(at, value, of)}
}

func each(at *field.Path, values []string, problemsOf func(string) []string) field.ErrorList {
	var problems field.ErrorList
	for i, value := range values {
		for _, problem := range problemsOf(value) {
			problems = append(problems, field.Invalid(at.Index(i), value, problem))
		}
	}
	return problems
}

func (l *Limits) validate(at *field.Path) field.ErrorList {
	var problems field.ErrorList
	for _, limit := range []struct {
		name  string
		value int64
	}{
		{"attemptsPerRestore", int64(l.AttemptsPerRestore)},
		{"attemptSpacing", int64(l.AttemptSpacing.Duration)},
		{"remediationsPerMinute", int64(l.RemediationsPerMinute)},
		{"remediationBurst", int64(l.RemediationBurst)},
		{"breakerCoolDown", int64(l.BreakerCoolDown.Duration)},
	} {
		if limit.value < 0 {
			problems = append(problems, field.Invalid(at.Child(limit.name), limit.value, "must not be negative"))
		}
	}
	return problems
}
