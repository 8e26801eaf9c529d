// Package docs holds the tests of what people read. Its sentences are short. Its commands run as written, and
// print what stands below them.
package docs
