// The options of digest.
#include <fmt/format.h>

#include "alert/digest.h"
#include "verbs/argument_words.h"
#include "verbs/files.h"

namespace cairn::verbs {
namespace {

struct DigestWords {
  DigestArguments values;
  std::string last, from, to;
  MomentWords moment;
};

VerbArguments read_digest(DigestWords& words) {
  DigestArguments& values = words.values;
  if (!words.last.empty()) values.last_us = read_duration("--last", words.last);
  if (values.last_us == 0) refuse("--last: 0 is no time; use one like 1d");
  if (!words.from.empty()) values.from = read_time("--from", words.from);
  if (!words.to.empty()) values.to = read_time("--to", words.to);
  if (values.from && values.to && *values.from >= *values.to) refuse("--from must lie before --to");
  values.moment = read_moment(words.moment);
  return values;
}

}  // namespace

Finish build_digest(CLI::App& app) {
  auto words = std::make_shared<DigestWords>();
  DigestArguments& values = words->values;
  add_store(app, values.store);
  app.add_option("--project", values.projects, "of this one, by number or slug; many times")
      ->type_name("P")
      ->check(not_empty())
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--rule", values.rules, "of this one, by number or name; many times")
      ->type_name("R")
      ->check(not_empty())
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  auto* last = app.add_option("--last", words->last, "so long up to now (default 1d)");
  last->type_name("TIME");
  app.add_option("--from", words->from, "alerts after this time")
      ->type_name("TIME")
      ->excludes(last);
  app.add_option("--to", words->to, "alerts up to this time (default now)")->type_name("TIME");
  app.add_option(kHtmlOption, values.html, "write a page here; - prints it")
      ->type_name("FILE")
      ->check(not_empty());
  app.add_option("--limit", values.limit, "issues of a rule shown (default 25)")
      ->transform(count_from(1, alert::kMaxShownIssues))
      ->type_name("N");
  add_moment(app, words->moment);
  add_experiment(app, words->moment);
  return [words]() -> VerbArguments { return read_digest(*words); };
}

}  // namespace cairn::verbs
