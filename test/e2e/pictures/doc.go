// Package pictures draws the pictures of the README from a recorded demo: which Pods are on which node, and what a terminal shows.
//
// The pictures are SVG without scripts, fonts or links, for light and dark pages.
package pictures
