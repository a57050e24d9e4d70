package operator

// What /healthz and /readyz answer.
const (
	unhealthyPrefix = "unhealthy: "
	notReadyPrefix  = "not ready: "
	readingCache    = "reading Clusters and Restores into the cache"
	publishing      = "publishing the webhook's certificate"
	noRehomings     = "the CustomResourceDefinition rehomings.rehome.kubeblocks.io is not installed"
)
