// Package sources says where the rules of a restored Cluster come from, and what its owner decided. The operator and the webhook
// share it.
package sources
