// Package finding is what a run found: a Violation of a property, and its Signature, by which failures
// of one bug are grouped.
package finding
