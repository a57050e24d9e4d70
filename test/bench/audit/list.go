package audit

import (
	"fmt"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

const listName = "list-backups"

// pageSize is that of `rehome audit`.
const pageSize = 100

// NewCommand returns the hidden command that lists the metadata of all Backups in pages, and does nothing with it.
func NewCommand() *cobra.Command {
	return &cobra.Command{
		Use: listName, Short: "List the metadata of all Backups", Args: cobra.NoArgs, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := ctrl.GetConfig()
			if err != nil {
				return fmt.Errorf("find the API server: %w", err)
			}
			config.QPS = -1
			reader, err := metadata.NewForConfig(config)
			if err != nil {
				return err
			}
			backups := reader.Resource(kubeblocks.DataProtectionV1alpha1.WithResource("backups"))
			for options := (metav1.ListOptions{Limit: pageSize}); ; {
				page, err := backups.List(cmd.Context(), options)
				if err != nil {
					return err
				}
				if options.Continue = page.Continue; options.Continue == "" {
					return nil
				}
			}
		},
	}
}
