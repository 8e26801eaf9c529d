//go:build !simonly

package main

import "github.com/spf13/cobra"

// addLive adds the commands of live servers, and the original's own form, which has no command.
func addLive(root *cobra.Command) {
	o := serveFlags{insecure: true}
	root.RunE = func(c *cobra.Command, _ []string) error {
		if c.Flags().NFlag() == 0 {
			return c.Help()
		}
		return o.run(c)
	}
	root.Flags().SortFlags = false
	o.register(root.Flags())
	root.AddCommand(serveCommand(), clusterCommand(), statusCommand())
}
