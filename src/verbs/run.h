// One call of a verb, from words to an exit code, with no globals: what the command line, the
// server, the REPL and the HTTP gateway have in common.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "verbs/arguments.h"
#include "verbs/context.h"
#include "verbs/demand.h"
#include "verbs/verbs.h"

namespace cairn::verbs {

// What a call is given. Borrows what it refers to; for one thread and one call.
struct Call {
  StoreAccess& stores;
  Files& files;
  Sink out;  // the answer
  Sink err;  // everything else for the person
  Terminal terminal;
  std::string user;                              // what --actor is unless given
  const std::atomic<bool>* cancelled = nullptr;  // raised: the verb ends with Interrupted
  // Asked when the verb ended because of `cancelled`: the error that is told then. nullopt, or no
  // function: who called wanted it so.
  std::function<std::optional<Error>()> why_cancelled = nullptr;
  std::function<void()> heeds_cancel = nullptr;  // see Context
  Rights rights = {};                            // of who calls
};

// Parses the words after the program's name, runs the verb, prints its answer or what went wrong
// (in JSON with --json), and returns the exit code. Verbs that cannot run here (demand.h) say where
// they can. Nothing is thrown, and nothing is left open.
int run_words(const std::vector<std::string>& words, const Call& call);

// The same of words that were parsed; `runner` does the work: run_any(), or more than it.
using Runner = std::function<VerbResult(const VerbArguments&, Context&)>;
int run_invocation(const Invocation& invocation, const Call& call, const Runner& runner);

// Prints what the words led to instead of a verb: help or what is wrong with them.
int give_advice(const Advice& advice, const Call& call);

}  // namespace cairn::verbs
