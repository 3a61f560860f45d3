#include "verbs/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "base/version.h"
#include "verbs/argument_words.h"
#include "verbs/verb_table.h"

namespace cairn::verbs {
namespace {

Finish build_init(CLI::App& app) {
  auto values = std::make_shared<InitArguments>();
  add_store(app, values->store);
  return [values] { return *values; };
}

Finish build_import(CLI::App& app) {
  auto values = std::make_shared<ImportArguments>();
  add_store(app, values->store);
  app.add_option("FILE", values->files)->required();
  app.add_flag("--by-time", values->by_time, "interleave files in time order, take their times");
  app.add_option("--rejects", values->rejects, "write refused lines and reasons here")
      ->type_name("FILE");
  app.add_flag("--must-exist", values->must_exist, "do not make the store");
  app.add_option("--actor", values->actor, "who imports (default: the system)")->type_name("NAME");
  app.add_flag("--quiet", values->quiet, "no progress, no summary");
  return [values] { return *values; };
}

// Assignees are written user:ID and team:ID; here their kind is clear.
void strip_kind(std::string& who, std::string_view kind) {
  if (who.starts_with(kind)) who.erase(0, kind.size());
}

struct QueryWords {
  QueryArguments values;
  std::vector<std::string> query;
  MomentWords moment;
  BudgetWords budget;
  std::string sort;
};

// What query and explain have in common.
std::function<QueryArguments()> add_query(CLI::App& app) {
  auto words = std::make_shared<QueryWords>();
  add_store(app, words->values.store);
  app.add_option("QUERY", words->query);
  app.add_option("--limit", words->values.limit,
                 fmt::format("rows, 1 to {} (default {})", query::kMaxLimit, query::kDefaultLimit))
      ->transform(count_from(1, query::kMaxLimit))
      ->type_name("N");
  app.add_option("--cursor", words->values.cursor,
                 "another page of the same list: `next` or `prev` of an answer, good for 24 hours")
      ->check(not_empty())
      ->type_name("TOKEN");
  app.add_option("--sort", words->sort,
                 "date (last seen), new, freq, user, trends, recommended or priority")
      ->type_name("SORT");
  app.add_option("--as", words->values.viewer.user, "who asks: what `me` means")->type_name("USER");
  app.add_option("--team", words->values.viewer.teams, "of who asks, for `my_teams`; many times")
      ->type_name("TEAM")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_moment(app, words->moment);
  add_experiment(app, words->moment);
  add_budget(app, words->budget);
  return [words]() {
    words->values.query = join(words->query);
    words->values.moment = read_moment(words->moment);
    words->values.budget = read_budget(words->budget);
    strip_kind(words->values.viewer.user, "user:");
    for (std::string& team : words->values.viewer.teams) strip_kind(team, "team:");
    if (!words->sort.empty()) {
      words->values.sort = query::parse_sort(words->sort);
      if (!words->values.sort) {
        refuse(
            fmt::format("--sort: '{}' is no sort; use date, new, freq, user, trends, recommended "
                        "or priority",
                        words->sort));
      }
    }
    return words->values;
  };
}

Finish build_query(CLI::App& app) {
  auto profile = std::make_shared<bool>(false);
  app.add_flag("--profile", *profile, "also the plan with times, on stderr or in the JSON");
  auto finish = add_query(app);
  return [finish, profile]() -> VerbArguments {
    QueryArguments values = finish();
    values.profile = *profile;
    return values;
  };
}

Finish build_explain(CLI::App& app) {
  auto finish = add_query(app);
  return [finish]() -> VerbArguments { return ExplainArguments{finish()}; };
}

Finish build_export(CLI::App& app) {
  struct Words {
    ExportArguments values;
    std::vector<std::string> query;
    MomentWords moment;
  };
  auto words = std::make_shared<Words>();
  add_store(app, words->values.store);
  app.add_option("QUERY", words->query);
  add_moment(app, words->moment);
  add_experiment(app, words->moment);
  return [words]() -> VerbArguments {
    words->values.query = join(words->query);
    words->values.moment = read_moment(words->moment);
    return words->values;
  };
}

Finish build_parse(CLI::App& app) {
  auto words = std::make_shared<std::vector<std::string>>();
  app.add_option("QUERY", *words)->required();
  return [words]() -> VerbArguments { return ParseArguments{join(*words)}; };
}

Finish build_fields(CLI::App& app) {
  struct Words {
    FieldsArguments values;
    MomentWords moment;
  };
  auto words = std::make_shared<Words>();
  add_store(app, words->values.store);
  app.add_option("NAME", words->values.name);
  add_moment(app, words->moment);
  return [words]() -> VerbArguments {
    words->values.moment = read_moment(words->moment);
    return words->values;
  };
}

Finish build_show(CLI::App& app) {
  struct Words {
    ShowArguments values;
    MomentWords moment;
  };
  auto words = std::make_shared<Words>();
  add_store(app, words->values.store);
  app.add_option("ISSUE", words->values.issue)->required();
  app.add_flag("--alone", words->values.alone, "without what is merged into it");
  add_moment(app, words->moment);
  add_experiment(app, words->moment);
  return [words]() -> VerbArguments {
    words->values.moment = read_moment(words->moment);
    return words->values;
  };
}

Finish build_history(CLI::App& app) {
  struct Words {
    HistoryArguments values;
    MomentWords moment;
  };
  auto words = std::make_shared<Words>();
  add_store(app, words->values.store);
  app.add_option("ISSUE", words->values.issue)->required();
  app.add_option("--limit", words->values.limit, "the newest N only")
      ->transform(count_from(1))
      ->type_name("N");
  add_moment(app, words->moment);
  return [words]() -> VerbArguments {
    words->values.moment = read_moment(words->moment);
    return words->values;
  };
}

Finish build_diff(CLI::App& app) {
  struct Words {
    DiffArguments values;
    std::string from, to;
  };
  auto words = std::make_shared<Words>();
  add_store(app, words->values.store);
  app.add_option("FROM", words->from)->required();
  app.add_option("TO", words->to);
  app.add_option("--limit", words->values.limit, "rows of each kind (default 20)")
      ->transform(count_from(1))
      ->type_name("N");
  return [words]() -> VerbArguments {
    words->values.from.as_of = read_as_of("FROM", words->from);
    if (!words->to.empty()) words->values.to.as_of = read_as_of("TO", words->to);
    return words->values;
  };
}

Finish build_split(CLI::App& app) {
  auto values = std::make_shared<SplitArguments>();
  add_store(app, values->store);
  app.add_option("ISSUE", values->issue)->required();
  auto* fingerprints = app.add_option("--fingerprint", values->fingerprints,
                                      "one of ISSUE's that becomes an issue of its own")
                           ->type_name("F");
  auto* undo = app.add_flag("--undo", values->undo, "ISSUE goes back to where it was split from");
  fingerprints->excludes(undo);
  add_writer(app, values->writer);
  return [values]() -> VerbArguments {
    if (!values->undo && values->fingerprints.empty()) {
      throw CLI::RequiredError("--fingerprint or --undo");
    }
    return *values;
  };
}

Finish build_unmerge(CLI::App& app) {
  auto values = std::make_shared<UnmergeArguments>();
  add_store(app, values->store);
  app.add_option("VIEW", values->view)->required();
  auto* children = app.add_option("CHILD", values->children);
  app.add_option("--last", values->nth_last,
                 "what the last merge into VIEW brought, or the Nth last")
      ->type_name("[N]")
      ->expected(0, 1)
      ->default_str("1")
      ->transform(count_from(1, 1'000'000))
      ->excludes(children);
  add_writer(app, values->writer);
  return [values] { return *values; };
}

Finish build_stats(CLI::App& app) {
  auto values = std::make_shared<StatsArguments>();
  add_store(app, values->store);
  app.add_flag("--digests", values->digests, "digests too (reads everything; --json has them)");
  return [values] { return *values; };
}

Finish build_verify(CLI::App& app) {
  auto values = std::make_shared<VerifyArguments>();
  add_store(app, values->store);
  app.add_flag("--deep", values->deep, "also replay the log and compare digests");
  return [values] { return *values; };
}

Finish build_rebuild(CLI::App& app) {
  auto values = std::make_shared<RebuildArguments>();
  add_store(app, values->store);
  return [values] { return *values; };
}

Finish build_compact(CLI::App& app) {
  auto values = std::make_shared<CompactArguments>();
  add_store(app, values->store);
  return [values] { return *values; };
}

Finish build_backup(CLI::App& app) {
  auto values = std::make_shared<BackupArguments>();
  add_store(app, values->store);
  app.add_option("DEST", values->destination)->required();
  return [values] { return *values; };
}

Finish build_restore(CLI::App& app) {
  auto values = std::make_shared<RestoreArguments>();
  app.add_option("BACKUP", values->source)->required();
  add_store(app, values->store);
  return [values] { return *values; };
}

Finish build_retain(CLI::App& app) {
  struct Words {
    RetainArguments values;
    std::string max_age;
    std::string now;
  };
  auto words = std::make_shared<Words>();
  add_store(app, words->values.store);
  app.add_option("--max-age", words->max_age, "older occurrences may go, e.g. 90d")
      ->type_name("TIME");
  app.add_option("--max-occurrences", words->values.policy.max_occurrences,
                 "those before the newest so many may go")
      ->transform(count_from(0))
      ->type_name("N");
  app.add_flag("--dry-run", words->values.policy.dry_run, "tell what would go, remove nothing");
  app.add_option("--now", words->now, "what --max-age goes back from")->type_name("TIME");
  return [words]() -> VerbArguments {
    RetainArguments& values = words->values;
    if (!words->max_age.empty()) {
      values.policy.max_age_us = read_duration("--max-age", words->max_age);
    }
    if (!words->now.empty()) values.now = read_time("--now", words->now);
    if (!values.policy.max_age_us && !values.policy.max_occurrences) {
      refuse("say what is to be kept: --max-age TIME, --max-occurrences N, or both");
    }
    return values;
  };
}

Finish build_log(CLI::App& app) {
  struct Words {
    LogArguments values;
    uint64_t from = 1;
  };
  auto words = std::make_shared<Words>();
  add_store(app, words->values.store);
  app.add_option("--from", words->from, "first record (default 1)")
      ->transform(count_from(0))
      ->type_name("LSN");
  app.add_option("--limit", words->values.limit, "at most so many records")
      ->transform(count_from(0))
      ->type_name("N");
  return [words]() -> VerbArguments {
    words->values.from = Lsn{std::max<uint64_t>(words->from, 1)};
    return words->values;
  };
}

Finish build_generate(CLI::App& app) {
  auto values = std::make_shared<GenerateArguments>();
  GenerateOptions& options = values->options;
  const auto add = [&app](const char* name, auto& value, uint64_t low, const char* what) {
    return app.add_option(name, value, what)->transform(count_from(low))->type_name("N");
  };
  add("--occurrences", options.occurrences, 0, "how many, also as 200k or 10M")->required();
  add("--seed", options.seed, 0, "same seed, same bytes (default 1)");
  add("--projects", options.projects, 1, "projects");
  add("--fingerprints", options.fingerprints, 1, "fine fingerprints over all projects");
  add("--users", options.users, 1, "people who may be hit");
  add("--urls", options.urls, 1, "urls over all projects");
  add("--releases", options.releases_per_project, 1, "releases of a project");
  add("--days", options.days, 1, "days they are spread over (default 30)");
  add("--body", options.body_bytes, 0, "bytes of stack trace in every event (default 0)");
  return [values] { return *values; };
}

Finish build_bench(CLI::App& app) {
  auto values = std::make_shared<BenchArguments>();
  app.add_option("--scale", values->scale, "occurrences, e.g. 1M or 10M (default 1M)")
      ->transform(count_from(kMinBenchScale))
      ->type_name("N");
  app.add_option("--seed", values->seed, "of the generated data (default 1)")
      ->transform(count_from(0))
      ->type_name("S");
  app.add_option("--runs", values->runs, "of each long measure (default 5; from 50M on 1)")
      ->check(CLI::Range(1, 100))
      ->type_name("N");
  app.add_option("--only", values->only, fmt::format("of {}", fmt::join(kBenchPhases, ", ")))
      ->delimiter(',')
      ->check(CLI::IsMember(std::vector<std::string>(kBenchPhases.begin(), kBenchPhases.end())))
      ->type_name("PHASE,...");
  app.add_option("--store", values->store, "measure this store of an earlier run, or make it here")
      ->type_name("DIR");
  app.add_flag("--keep", values->keep, "do not remove the store")->needs("--store");
  app.add_flag("--verify", values->verify, "verify --deep at the end");
  app.add_option("--dir", values->directory, "make the scratch directory here")->type_name("DIR");
  return [values] { return *values; };
}

Finish build_repl(CLI::App& app) {
  auto values = std::make_shared<ReplArguments>();
  add_store(app, values->store);
  app.add_option("-c,--command", values->commands, "run this and leave; many times")
      ->type_name("COMMAND")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return [values] { return *values; };
}

Finish build_demo(CLI::App& app) {
  auto values = std::make_shared<DemoArguments>();
  app.add_option("--occurrences", values->occurrences, "how many (default 200000)")
      ->transform(count_from(1000, 100'000'000))
      ->type_name("N");
  app.add_option("--seed", values->seed, "of the generated data (default 1)")
      ->transform(count_from(0))
      ->type_name("S");
  app.add_option("--keep", values->keep, "keep the store in this directory")->type_name("DIR");
  return [values] { return *values; };
}

Finish build(std::string_view verb, CLI::App& app) {
  using model::Attention;
  using model::Status;
  using Builder = std::function<Finish(CLI::App&)>;
  static const std::map<std::string_view, Builder> kBuilders = {
      {"init", build_init},
      {"import", build_import},
      {"query", build_query},
      {"explain", build_explain},
      {"export", build_export},
      {"fields", build_fields},
      {"parse", build_parse},
      {"show", build_show},
      {"history", build_history},
      {"events", build_events},
      {"tags", build_tags},
      {"diff", build_diff},
      {"merge", build_merge},
      {"unmerge", build_unmerge},
      {"split", build_split},
      {"experiment", build_experiment},
      {"sweep", build_sweep},
      {"alert", build_alert},
      {"digest", build_digest},
      {"resolve", [](CLI::App& a) { return build_status(a, Status::Resolved); }},
      {"unresolve", [](CLI::App& a) { return build_status(a, Status::Unresolved); }},
      {"archive", [](CLI::App& a) { return build_status(a, Status::Ignored); }},
      {"assign", build_assign},
      {"note", build_note},
      {"bookmark", [](CLI::App& a) { return build_attention(a, Attention::Bookmarked); }},
      {"subscribe", [](CLI::App& a) { return build_attention(a, Attention::Subscribed); }},
      {"seen", [](CLI::App& a) { return build_attention(a, Attention::Seen); }},
      {"review", [](CLI::App& a) { return build_attention(a, Attention::Reviewed); }},
      {"link", build_link},
      {"delete", [](CLI::App& a) { return build_standing(a, model::Standing::Deleted); }},
      {"discard", [](CLI::App& a) { return build_standing(a, model::Standing::Discarded); }},
      {"tick", build_tick},
      {"releases", build_releases},
      {"priority", build_priority},
      {"stats", build_stats},
      {"verify", build_verify},
      {"rebuild", build_rebuild},
      {"compact", build_compact},
      {"backup", build_backup},
      {"restore", build_restore},
      {"retain", build_retain},
      {"log", build_log},
      {"projects", build_projects},
      {"serve", build_serve},
      {"token", build_token},
      {"types", build_types},
      {"generate", build_generate},
      {"bench", build_bench},
      {"demo", build_demo},
      {"repl", build_repl},
  };
  return kBuilders.at(verb)(app);
}

std::string usage_line(const VerbHelp& verb) {
  return fmt::format("Usage: cairn {} {} [OPTIONS]\n", verb.name, verb.usage);
}

std::string help_text(const VerbHelp& verb, const CLI::App& app) {
  std::string out = fmt::format("cairn {}: {}\n\n{}", verb.name, verb.summary, usage_line(verb));
  if (!verb.details.empty()) out += fmt::format("\n{}\n", verb.details);
  out += "\nOptions:\n";
  for (const CLI::Option* option : app.get_options()) {
    if (!option->nonpositional() || option->get_description().empty()) continue;
    std::string name = option->get_name(false, true);
    // Behind a colon CLI11 puts what its checks allow; the description says it better.
    const std::string type = option->get_type_name();
    if (option->get_type_size() > 0) name += " " + type.substr(0, type.find(':'));
    out += fmt::format("  {:<24} {}\n", name, option->get_description());
  }
  return out + fmt::format("\nExamples:\n{}", verb.examples);
}

Advice wrong(std::string text, bool json) { return Advice{false, json, std::move(text)}; }

// Who does not say who writes is the user who calls.
void set_user(VerbArguments& verb, const CLI::App& app, const std::string& user) {
  const CLI::Option* said = app.get_option_no_throw("--actor");
  if (said == nullptr || said->count() > 0) return;
  std::visit(
      [&](auto& arguments) {
        if constexpr (requires { arguments.writer; }) arguments.writer.actor = user;
      },
      verb);
}

std::variant<Invocation, Advice> parse_verb(const VerbHelp& verb, std::vector<std::string> words,
                                            const std::string& user) {
  CLI::App app;
  bool json = false;
  bool help = false;
  app.set_help_flag();
  app.add_flag("--json", json, "machine-readable answer on stdout");
  app.add_flag("-h,--help", help, "this text");
  const bool json_word = std::find(words.begin(), words.end(), "--json") != words.end();
  const bool asks = std::any_of(words.begin(), std::find(words.begin(), words.end(), "--"),
                                [](const auto& word) { return word == "--help" || word == "-h"; });
  try {
    const Finish finish = build(verb.name, app);
    if (asks) return Advice{true, json_word, help_text(verb, app)};
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app.parse(std::move(words));
    Invocation invocation{verb.name, finish(), json};
    set_user(invocation.verb, app, user);
    return invocation;
  } catch (const CLI::Error& error) {
    return wrong(fmt::format("cairn {}: {}\n{}`cairn help {}` has the options and examples.\n",
                             verb.name, error.what(), usage_line(verb), verb.name),
                 json_word);
  }
}

}  // namespace

std::variant<Invocation, Advice> parse_arguments(const std::vector<std::string>& words,
                                                 const std::string& user) {
  const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
  if (words.empty()) return wrong(overview(), false);
  const std::string& first = words[0];
  if (first == "--version" || first == "-V") {
    return Advice{true, json, fmt::format("cairn {}\n", kVersion)};
  }
  const bool help = first == "help" || first == "--help" || first == "-h";
  if (help && words.size() == 1) return Advice{true, json, overview()};
  const std::string& name = help ? words[1] : first;
  const VerbHelp* verb = find_verb(name);
  if (verb == nullptr) {
    const VerbHelp* near = nearest_verb(name);
    const std::string hint =
        near == nullptr ? std::string() : fmt::format(" Did you mean `cairn {}`?", near->name);
    return wrong(
        fmt::format("cairn: '{}' is no verb.{}\n`cairn help` lists all verbs.\n", name, hint),
        json);
  }
  if (help) return parse_verb(*verb, {"--help"}, user);
  return parse_verb(*verb, {words.begin() + 1, words.end()}, user);
}

}  // namespace cairn::verbs
