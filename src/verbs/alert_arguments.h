// What `alert` is told. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "verbs/common_arguments.h"

namespace cairn::verbs {

// Rules of alerts in files, as they are written.
struct AlertCheckArguments {
  std::vector<std::string> files;  // - is stdin
};

// A word that names a stored rule by its number: a file that is called so is ./3.
bool is_rule_number(const std::string& word);

// What a rule would have done.
struct AlertTestArguments {
  std::string store;
  std::string rule;  // a file, or the number or name of a stored rule
  int64_t last_us = 7 * 24 * 3600 * kMicrosPerSecond;  // up to `to`, unless `from` says more
  std::optional<TimeUs> from;                          // ticks are after it ...
  std::optional<TimeUs> to;                            // ... and up to this; none = now
  uint64_t limit = 10;                                 // keys of group_by shown
  MomentArguments moment;
};

// Rules and incidents of a store.
struct AlertArguments {
  enum class Action {
    Add,
    List,
    Show,
    Change,
    Pause,
    Resume,
    Remove,
    Incidents,
    Incident,
    Acknowledge,
    Comment,
    Close,
    Tick,
    Explain,
    Stats,
  };
  Action action = Action::List;
  std::string store;
  std::vector<std::string> files;  // add; change: one. - is stdin
  std::string rule;                // number or name; incidents: "" = of all
  uint32_t incident = 0;           // incident, ack, comment, close
  std::string text;                // comment
  bool open = false;               // list, incidents: only what has or is an open one
  uint64_t limit = 0;              // list, incidents, show, explain: 0 = what that shows by itself
  uint32_t after = 0;              // list: rules of later numbers
  uint32_t before = 0;             // incidents: of earlier numbers; 0 = all
  std::optional<TimeUs> at;        // explain; none = the last tick
  std::optional<std::string> key;  // explain: the value of group_by; none = the most eventful
  std::string issue;               // explain; "" = none
  MomentArguments moment;          // of those that read; the rest take `now` as the time it is
  WriterArguments writer;
};
// Whether it changes anything.
bool writes(AlertArguments::Action action);

}  // namespace cairn::verbs
