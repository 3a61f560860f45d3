// The command line of merge, which is two: issues by name, and pairs from a file.
#include <fmt/format.h>

#include "verbs/argument_words.h"

namespace cairn::verbs {
namespace {

struct MergeWords {
  MergeArguments values;
  MergePairsArguments pairs;
  std::vector<std::string> columns;
};

VerbArguments finish(const MergeWords& words) {
  if (words.pairs.pairs.empty()) {
    if (words.values.references.empty()) throw CLI::RequiredError("ISSUE or --pairs");
    return words.values;
  }
  MergePairsArguments pairs = words.pairs;
  pairs.store = words.values.store;
  pairs.writer = words.values.writer;
  if (!words.columns.empty()) {
    if (words.columns.size() != 2 || words.columns[0] == words.columns[1]) {
      refuse("--columns: name two, the child's and the primary's: --columns issue_id,master_id");
    }
    pairs.child_column = words.columns[0];
    pairs.primary_column = words.columns[1];
    pairs.columns_named = true;
  }
  return pairs;
}

}  // namespace

Finish build_merge(CLI::App& app) {
  auto words = std::make_shared<MergeWords>();
  add_store(app, words->values.store);
  auto* issues = app.add_option("ISSUE", words->values.references);
  auto* title = app.add_option("--new", words->values.title, "show them in a new issue so titled")
                    ->type_name("TITLE")
                    ->check([](const std::string& text) {
                      return text.empty() ? std::string("the title is empty") : std::string();
                    });
  auto* pairs = app.add_option("--pairs", words->pairs.pairs,
                               "a file of pairs, child and primary (- is stdin)")
                    ->type_name("FILE|-")
                    ->excludes(issues)
                    ->excludes(title);
  app.add_option("--project", words->pairs.project, "they are fingerprints of this project")
      ->type_name("PROJECT")
      ->needs(pairs);
  app.add_option("--columns", words->columns, "what they are called (default child,primary)")
      ->type_name("CHILD,PRIMARY")
      ->delimiter(',')
      ->needs(pairs);
  app.add_option("--rejects", words->pairs.rejects, "write refused pairs and reasons here")
      ->type_name("FILE")
      ->needs(pairs);
  add_writer(app, words->values.writer);
  return [words] { return finish(*words); };
}

}  // namespace cairn::verbs
