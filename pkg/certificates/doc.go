// Package certificates makes the serving certificate of the webhook in memory, and lets API servers trust it. No Secret holds it.
package certificates
