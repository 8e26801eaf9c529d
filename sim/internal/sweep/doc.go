// Package sweep draws and runs the plans of many seeds, several at a time, and adds up what came of them.
package sweep
