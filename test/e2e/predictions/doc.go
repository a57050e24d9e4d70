// Package predictions restores Backups of generated Clusters without Rehome, and compares the end of each restore with the verdict of an
// audit.
package predictions
