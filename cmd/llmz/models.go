package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/llmz/llmz/models"
	"github.com/llmz/llmz/tui/text"
)

// newModelsCommand builds "llmz models" and its subcommands.
func newModelsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "models",
		Short: "The models that are here, and how to get others",
		Long: `Models are the bundled ones, which are part of the program, and GGUF files in the
data directory, found by name (-m NAME) or by the digest that an archive records.`,
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return runModelsList(cmd.Context(), a) },
	}
	cmd.AddCommand(
		newModelsListCommand(a),
		newModelsInfoCommand(a),
		newModelsPullCommand(a),
		newModelsAddCommand(a),
		newModelsConvertCommand(a),
		newModelsRemoveCommand(a),
	)
	return cmd
}

func newModelsListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "list",
		Short:             "List bundled and installed models",
		Args:              noArgs,
		ValidArgsFunction: completeNothing,
		RunE:              func(cmd *cobra.Command, _ []string) error { return runModelsList(cmd.Context(), a) },
	}
}

func newModelsInfoCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "info NAME|PATH.gguf...",
		Short:             "What is known about models",
		Args:              minArgs(1, "a model's NAME or a PATH.gguf"),
		ValidArgsFunction: completeNames(func() []string { return cleanNames(a.models.Names()) }),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.each(cmd.Context(), args, func(i int, name string) error {
				e, err := a.models.Describe(cmd.Context(), name)
				if err != nil {
					return err
				}
				if i > 0 && a.json == jsonOff {
					text.Fprintln(a.out())
				}
				return a.printModel(e)
			})
		},
	}
}

// A modelObject is the JSON form of a model.
type modelObject struct {
	Op         string            `json:"op"`
	Name       string            `json:"name"`
	About      string            `json:"about,omitempty"`
	Bundled    bool              `json:"bundled"`
	Path       string            `json:"path,omitempty"`
	SHA256     string            `json:"sha256"`
	Bytes      int64             `json:"bytes"`
	Format     string            `json:"architecture"`
	Parameters int64             `json:"parameters"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	Problem    string            `json:"problem,omitempty"`
}

func newModelObject(e models.Entry, op string) modelObject {
	o := modelObject{
		Op: op, Name: e.Name, About: e.About, Bundled: e.Bundled, Path: e.Path, SHA256: fmt.Sprintf("%x", e.Digest),
		Bytes: e.Bytes, Format: e.Architecture, Parameters: e.Parameters, Metadata: e.Metadata,
	}
	if e.Problem != nil {
		o.Problem = e.Problem.Error()
	}
	return o
}

func runModelsList(ctx context.Context, a *app) error {
	list, err := a.models.List(ctx)
	if err != nil {
		return err
	}
	if a.json != jsonOff {
		enc := json.NewEncoder(a.out())
		for _, e := range list {
			if err := enc.Encode(newModelObject(e, "model")); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(a.out(), 0, 0, 2, ' ', 0)
	text.Fprintf(w, "NAME\tKIND\tPARAMETERS\tSIZE\tSHA-256\tWHERE\n")
	for _, e := range list {
		where := e.Path
		if e.Bundled {
			where = "bundled"
		}
		if e.Problem != nil {
			text.Fprintf(w, "%s\t-\t-\t%s\t-\t%s: %v\n", e.Name, text.Bytes(e.Bytes), where, e.Problem)
			continue
		}
		text.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", e.Name, e.Architecture, text.Count(e.Parameters), text.Bytes(e.Bytes), shortDigest(e.Digest[:]), where)
	}
	return w.Flush()
}

func (a *app) printModel(e models.Entry) error {
	if a.json != jsonOff {
		return json.NewEncoder(a.out()).Encode(newModelObject(e, "model"))
	}
	where := e.Path
	if e.Bundled {
		where = "bundled"
	}
	w := tabwriter.NewWriter(a.out(), 0, 0, 2, ' ', 0)
	text.Fprintf(w, "Name:\t%s\n", e.Name)
	if e.About != "" {
		text.Fprintf(w, "About:\t%s\n", e.About)
	}
	text.Fprintf(w, "Where:\t%s\nArchitecture:\t%s\nParameters:\t%s\nSize:\t%s bytes\nSHA-256:\t%x\n",
		where, e.Architecture, text.Count(e.Parameters), text.Count(e.Bytes), e.Digest)
	for _, k := range sortedKeys(e.Metadata) {
		text.Fprintf(w, "  %s:\t%s\n", k, e.Metadata[k])
	}
	return w.Flush()
}
