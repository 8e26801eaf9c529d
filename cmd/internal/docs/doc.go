// Package docs holds the tests of what people read: that its sentences are short, that its commands run as
// written, and that they print what stands below them.
package docs
