// The command lines of what people do with an issue.
#include <fmt/format.h>

#include <initializer_list>

#include "verbs/argument_words.h"

namespace cairn::verbs {
namespace {

struct StatusWords {
  StatusArguments values;
  bool until_escalating = false;
  bool forever = false;
  std::optional<std::string> until;
  std::optional<std::string> duration;
  std::optional<std::string> window;
  std::optional<std::string> user_window;
  std::optional<std::string> release;
  bool next_release = false;
  std::optional<std::string> commit;
};

void add_snooze(CLI::App& app, StatusWords& words, std::initializer_list<CLI::Option*> others) {
  model::SnoozeTerms& terms = words.values.snooze;
  const std::vector<CLI::Option*> conditions = {
      app.add_option("--until", words.until, "until a time")->type_name("TIME"),
      app.add_option("--for", words.duration, "until then from now, e.g. 3d")->type_name("TIME"),
      app.add_option("--count", terms.count, "until it was seen so often from now on")
          ->transform(count_from(1, UINT32_MAX))
          ->type_name("N"),
      app.add_option("--users", terms.users, "until so many people had it from now on")
          ->transform(count_from(1, UINT32_MAX))
          ->type_name("N"),
  };
  app.add_option("--window", words.window, "so often within such a time, e.g. 30m")
      ->needs(conditions[2])
      ->type_name("TIME");
  app.add_option("--user-window", words.user_window, "so many people within such a time")
      ->needs(conditions[3])
      ->type_name("TIME");
  for (CLI::Option* condition : conditions) {
    for (CLI::Option* other : others) condition->excludes(other);
  }
  conditions[0]->excludes(conditions[1]);
}

uint32_t read_minutes(const std::string& option, const std::string& text) {
  constexpr int64_t kMinuteUs = 60 * kMicrosPerSecond;
  const int64_t us = read_duration(option, text);
  if (us < kMinuteUs || us % kMinuteUs != 0 || us / kMinuteUs > UINT32_MAX) {
    refuse(fmt::format("{}: {} is no whole number of minutes", option, text));
  }
  return static_cast<uint32_t>(us / kMinuteUs);
}

void read_snooze(StatusWords& words) {
  StatusArguments& values = words.values;
  if (words.until) values.snooze.until = read_time("--until", *words.until);
  if (words.duration) values.snooze_us = read_duration("--for", *words.duration);
  if (values.snooze_us == 0) refuse("--for: that is over at once");
  if (words.window) values.snooze.window_minutes = read_minutes("--window", *words.window);
  if (words.user_window) {
    values.snooze.user_window_minutes = read_minutes("--user-window", *words.user_window);
  }
}

void add_resolution(CLI::App& app, StatusWords& words) {
  auto* release = app.add_option("--in-release", words.release, "this release has the fix")
                      ->type_name("VERSION");
  auto* next = app.add_flag("--in-next-release", words.next_release,
                            "the release after the newest one will have it");
  auto* commit =
      app.add_option("--in-commit", words.commit, "this commit has the fix")->type_name("SHA");
  release->excludes(next)->excludes(commit);
  next->excludes(commit);
}

void read_resolution(StatusWords& words) {
  using model::ResolutionKind;
  model::Resolution& resolution = words.values.resolution;
  if (words.release) resolution = {ResolutionKind::InRelease, *words.release};
  if (words.next_release) resolution = {ResolutionKind::InNextRelease, ""};
  if (words.commit) resolution = {ResolutionKind::InCommit, *words.commit};
}

}  // namespace

Finish build_status(CLI::App& app, model::Status status) {
  auto words = std::make_shared<StatusWords>();
  words->values.status = status;
  add_store(app, words->values.store);
  app.add_option("ISSUE", words->values.issues)->required();
  if (status == model::Status::Ignored) {
    auto* until = app.add_flag("--until-escalating", words->until_escalating,
                               "until it happens far more often (default)");
    auto* forever = app.add_flag("--forever", words->forever, "whatever happens")->excludes(until);
    add_snooze(app, *words, {until, forever});
  }
  if (status == model::Status::Resolved) add_resolution(app, *words);
  add_writer(app, words->values.writer);
  return [words]() -> VerbArguments {
    if (words->until_escalating) words->values.substatus = model::Substatus::UntilEscalating;
    if (words->forever) words->values.substatus = model::Substatus::Forever;
    read_snooze(*words);
    read_resolution(*words);
    return words->values;
  };
}

Finish build_priority(CLI::App& app) {
  struct Words {
    PriorityArguments values;
    std::string priority;
  };
  auto words = std::make_shared<Words>();
  add_store(app, words->values.store);
  app.add_option("ISSUE", words->values.issue)->required();
  app.add_option("PRIORITY", words->priority)
      ->required()
      ->check(CLI::IsMember({"low", "medium", "high", "auto"}));
  add_writer(app, words->values.writer);
  return [words]() -> VerbArguments {
    for (const uint8_t one : {uint8_t{25}, uint8_t{50}, uint8_t{75}}) {
      if (model::priority_name(one) == words->priority) words->values.priority = one;
    }
    return words->values;
  };
}

Finish build_assign(CLI::App& app) {
  auto values = std::make_shared<AssignArguments>();
  add_store(app, values->store);
  app.add_option("ISSUE", values->issue)->required();
  app.add_option("ASSIGNEE", values->assignee)->required();
  add_writer(app, values->writer);
  return [values]() -> VerbArguments {
    if (values->assignee == "none") values->assignee.clear();
    return *values;
  };
}

Finish build_note(CLI::App& app) {
  struct Words {
    NoteArguments values;
    std::vector<std::string> text;
    uint32_t edited = 0;
    uint32_t removed = 0;
  };
  auto words = std::make_shared<Words>();
  add_store(app, words->values.store);
  app.add_option("ISSUE", words->values.issue)->required();
  app.add_option("TEXT", words->text);
  auto* edit = app.add_option("--edit", words->edited, "TEXT takes the place of note N")
                   ->transform(count_from(1, UINT32_MAX))
                   ->type_name("N");
  app.add_option("--remove", words->removed, "takes note N away")
      ->transform(count_from(1, UINT32_MAX))
      ->type_name("N")
      ->excludes(edit);
  add_writer(app, words->values.writer);
  return [words]() -> VerbArguments {
    NoteArguments& values = words->values;
    values.text = join(words->text);
    values.note = words->edited + words->removed;
    values.change = words->removed > 0  ? model::NoteChange::Removed
                    : words->edited > 0 ? model::NoteChange::Edited
                                        : model::NoteChange::Added;
    if (words->removed > 0 && !values.text.empty()) refuse("--remove N goes without TEXT");
    if (words->removed == 0 && values.text.empty()) refuse("say what the note says: TEXT");
    return values;
  };
}

Finish build_attention(CLI::App& app, model::Attention attention) {
  struct Words {
    AttentionArguments values;
    bool remove = false;
  };
  auto words = std::make_shared<Words>();
  words->values.attention = attention;
  add_store(app, words->values.store);
  app.add_option("ISSUE", words->values.issue)->required();
  if (attention != model::Attention::Reviewed) {
    app.add_option("WHO", words->values.who)->required();
  }
  if (attention == model::Attention::Bookmarked || attention == model::Attention::Subscribed) {
    app.add_flag("--remove", words->remove, "no longer");
  }
  add_writer(app, words->values.writer);
  return [words]() -> VerbArguments {
    words->values.on = !words->remove;
    return words->values;
  };
}

Finish build_link(CLI::App& app) {
  auto values = std::make_shared<LinkArguments>();
  add_store(app, values->store);
  app.add_option("ISSUE", values->issue)->required();
  app.add_option("URL", values->url)->required();
  app.add_option("--title", values->title, "what it is called there")->type_name("TEXT");
  app.add_flag("--remove", values->remove, "no longer");
  add_writer(app, values->writer);
  return [values] { return *values; };
}

Finish build_standing(CLI::App& app, model::Standing standing) {
  struct Words {
    StandingArguments values;
    bool undo = false;
  };
  auto words = std::make_shared<Words>();
  words->values.standing = standing;
  add_store(app, words->values.store);
  app.add_option("ISSUE", words->values.issue)->required();
  if (standing == model::Standing::Discarded) {
    app.add_flag("--undo", words->undo, "an issue again, with all that was counted meanwhile");
  }
  add_writer(app, words->values.writer);
  return [words]() -> VerbArguments {
    if (words->undo) words->values.standing = model::Standing::Kept;
    return words->values;
  };
}

Finish build_tick(CLI::App& app) {
  auto values = std::make_shared<TickArguments>();
  add_store(app, values->store);
  return [values] { return *values; };
}

}  // namespace cairn::verbs
