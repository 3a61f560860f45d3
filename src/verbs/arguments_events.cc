// The command lines of events and tags.
#include <fmt/format.h>

#include "query/group_tags.h"
#include "verbs/argument_words.h"

namespace cairn::verbs {
Finish build_events(CLI::App& app) {
  struct Words {
    EventsArguments values;
    MomentWords moment;
  };
  auto words = std::make_shared<Words>();
  add_store(app, words->values.store);
  app.add_option("ISSUE", words->values.issue)->required();
  app.add_option("--query", words->values.query, "only those that match")->type_name("QUERY");
  app.add_flag("--alone", words->values.alone, "without what is merged into it");
  app.add_option("--limit", words->values.limit,
                 fmt::format("rows, 1 to {} (default {})", query::kMaxLimit, query::kDefaultLimit))
      ->transform(count_from(1, query::kMaxLimit))
      ->type_name("N");
  app.add_option("--cursor", words->values.cursor,
                 "another page of the same list: `next` or `prev` of an answer, good for 24 hours")
      ->check(not_empty())
      ->type_name("TOKEN");
  add_moment(app, words->moment);
  add_experiment(app, words->moment);
  return [words]() -> VerbArguments {
    words->values.moment = read_moment(words->moment);
    return words->values;
  };
}

Finish build_tags(CLI::App& app) {
  struct Words {
    TagsArguments values;
    MomentWords moment;
  };
  auto words = std::make_shared<Words>();
  add_store(app, words->values.store);
  app.add_option("ISSUE", words->values.issue)->required();
  app.add_option("KEY", words->values.key);
  app.add_option("--query", words->values.query, "only of events that match")->type_name("QUERY");
  app.add_flag("--alone", words->values.alone, "without what is merged into it");
  app.add_option("--limit", words->values.limit,
                 fmt::format("values of a key, 1 to {} (default {}, of KEY {})", query::kMaxLimit,
                             query::kDefaultTopValues, query::kDefaultLimit))
      ->transform(count_from(1, query::kMaxLimit))
      ->type_name("N");
  add_moment(app, words->moment);
  add_experiment(app, words->moment);
  return [words]() -> VerbArguments {
    words->values.moment = read_moment(words->moment);
    return words->values;
  };
}

}  // namespace cairn::verbs
