#include "client/repl_session.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/time_format.h"
#include "client/repl_help.h"
#include "client/repl_text.h"
#include "verbs/arguments.h"
#include "verbs/demand.h"
#include "verbs/table.h"
#include "verbs/verb_table.h"

namespace cairn::client {
namespace {

using verbs::ExitCode;

constexpr std::string_view kBlanks = " \t";
constexpr auto kLook = std::chrono::milliseconds(20);  // between looks at a Ctrl-C while waiting

constexpr std::array<std::string_view, 10> kSettings = {
    "\\more", "\\as-of", "\\help", "\\in", "\\json", "\\quit", "\\timing", "\\watch", "\\?", "\\q"};

int code(ExitCode exit) { return static_cast<int>(exit); }

int fail(const ReplIo& io, std::string_view what) {
  (void)io.err(fmt::format("cairn: {}\n", what));
  return code(ExitCode::Usage);
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string first_word(std::string_view text) {
  return std::string(text.substr(0, text.find_first_of(kBlanks)));
}

// These end in a query, whose quotation marks are its own.
bool takes_query(std::string_view verb) {
  return verb == "query" || verb == "explain" || verb == "export" || verb == "parse";
}

// Whether the word for the store is left out of what is typed for this verb; it stands behind it.
bool lacks_store(const verbs::VerbHelp& verb, const std::vector<std::string>& words,
                 const std::string& store) {
  if (!verb.usage.starts_with("STORE")) return false;
  if (words.size() > 1 && words[1] == store) return false;
  if (words.size() == 2 && (words[1] == "--help" || words[1] == "-h")) return false;
  // Something of the verb may need no store (`alert check FILE`).
  const auto parsed = verbs::parse_arguments(words, "");
  const auto* whole = std::get_if<verbs::Invocation>(&parsed);
  return whole == nullptr || !verbs::store_of(whole->verb).empty();
}

bool is_read(const std::vector<std::string>& words) {
  const auto parsed = verbs::parse_arguments(words, "");
  const auto* invocation = std::get_if<verbs::Invocation>(&parsed);
  return invocation == nullptr || verbs::demand_of(invocation->verb).scope == verbs::Scope::Read;
}

// The words with an option, if the verb has it.
bool add_option(std::vector<std::string>& words, const std::string& option,
                const std::string& value) {
  auto more = words;
  more.push_back(option);
  if (!value.empty()) more.push_back(value);
  const bool sound = std::holds_alternative<verbs::Invocation>(verbs::parse_arguments(words, ""));
  if (sound && !std::holds_alternative<verbs::Invocation>(verbs::parse_arguments(more, ""))) {
    return false;
  }
  words = std::move(more);
  return true;
}

}  // namespace

std::vector<std::string_view> setting_names() { return {kSettings.begin(), kSettings.end()}; }

std::string ReplSession::prompt() const {
  std::string name = std::filesystem::path(store_).filename().string();
  if (name.empty()) name = store_;
  if (!settings_.as_of.empty()) name += " as of " + settings_.as_of;
  if (!settings_.experiment.empty()) name += " in " + settings_.experiment;
  return name + "> ";
}

int ReplSession::run(std::string_view text, const ReplIo& io) {
  const std::string_view line = trimmed(text);
  if (line.empty() || line == "#" || line.starts_with("# ")) return code(ExitCode::Ok);
  if (line == "quit" || line == "exit") {
    ended_ = true;
    return code(ExitCode::Ok);
  }
  if (line.starts_with('\\')) return run_setting(line, io);
  const std::string again(line);
  const int done = run_again(again, io);
  last_ = again;
  return done;
}

// A verb or a query, with the time it took.
int ReplSession::run_again(std::string_view line, const ReplIo& io) {
  const auto begin = std::chrono::steady_clock::now();
  const std::string verb = first_word(line);
  const bool known = verb == "help" || verbs::find_verb(verb) != nullptr;
  const int done =
      known ? run_verb(line, verb, io) : run_words({"query", store_, std::string(line)}, io);
  if (settings_.timing) {
    auto end = std::chrono::steady_clock::now();
    if (io.waited != nullptr) end -= *io.waited;
    const std::chrono::duration<double> took = end - begin;
    (void)io.err(fmt::format("time: {}\n", verbs::format_seconds(took.count())));
  }
  return done;
}

int ReplSession::run_verb(std::string_view line, const std::string& verb, const ReplIo& io) {
  auto split = split_words(line, takes_query(verb));
  if (!split) return fail(io, split.error().message);
  std::vector<std::string> words = std::move(split).value();
  const verbs::VerbHelp* help = verbs::find_verb(verb);
  if (help != nullptr && lacks_store(*help, words, store_)) {
    words.insert(words.begin() + 1, store_);
  }
  return run_words(std::move(words), io);
}

int ReplSession::run_words(std::vector<std::string> words, const ReplIo& io) {
  if (!settings_.as_of.empty() && !is_read(words)) {
    return fail(io,
                fmt::format("this is the store as of {}, which nobody changes any more: \\as-of "
                            "now, then again",
                            settings_.as_of));
  }
  if (settings_.json) add_option(words, "--json", "");
  std::string left_out;
  if (!settings_.as_of.empty() && !add_option(words, "--as-of", settings_.as_of)) {
    left_out = "\\as-of";
  }
  if (!settings_.experiment.empty() && is_read(words) &&
      !add_option(words, "--in", settings_.experiment)) {
    left_out += left_out.empty() ? "\\in" : " and \\in";
  }
  if (!left_out.empty()) {
    (void)io.err(
        fmt::format("{} answers as of now: it does not take {}\n", words.front(), left_out));
  }
  return run_paged(words, io);
}

// Where verbs tell the cursor of the next page, \\more is told here, which knows it.
int ReplSession::run_paged(const std::vector<std::string>& words, const ReplIo& io) {
  constexpr std::string_view kNext = "next page: --cursor ";
  constexpr std::string_view kBefore = "page before: --cursor ";
  std::string next;
  ReplIo watched = io;
  watched.err = [&](std::string_view text) -> Result<void> {
    if (text.starts_with(kBefore)) return {};
    if (!text.starts_with(kNext)) return io.err(text);
    text.remove_prefix(kNext.size());
    next = text.substr(0, text.find('\n'));
    return io.err("\\more goes on\n");
  };
  const int done = backend_.run(words, watched);
  next_ = std::move(next);
  paged_ = words;
  return done;
}

int ReplSession::more(const ReplIo& io) {
  if (next_.empty()) return fail(io, "there is no more of the last answer");
  std::vector<std::string> words = paged_;
  words.insert(words.end(), {"--cursor", next_});
  const std::vector<std::string> first = paged_;
  const int done = run_paged(words, io);
  paged_ = first;
  return done;
}

// --- settings -----------------------------------------------------------------------------------

int ReplSession::run_setting(std::string_view text, const ReplIo& io) {
  auto split = split_words(text, false);
  if (!split) return fail(io, split.error().message);
  const std::vector<std::string>& words = *split;
  const std::string& name = words.front();
  const std::string to = words.size() > 1 ? std::string(trimmed(text.substr(name.size()))) : "";
  if (name == "\\timing") return set_switch(settings_.timing, "timing", to, io);
  if (name == "\\json") return set_switch(settings_.json, "json", to, io);
  if (name == "\\as-of") return set_moment(to, io);
  if (name == "\\in") return set_experiment(to, io);
  if (name == "\\more") return more(io);
  if (name == "\\watch") return watch(words, io);
  if (name == "\\help" || name == "\\?") return help(words, io);
  if (name == "\\quit" || name == "\\q") {
    ended_ = true;
    return code(ExitCode::Ok);
  }
  return fail(io, fmt::format("there is no {}; \\help lists what there is", name));
}

int ReplSession::set_switch(bool& value, std::string_view name, const std::string& to,
                            const ReplIo& io) {
  if (!to.empty() && to != "on" && to != "off") {
    return fail(io, fmt::format("\\{}: on, off, or nothing to change it", name));
  }
  value = to.empty() ? !value : to == "on";
  (void)io.err(fmt::format("{} is {}\n", name, value ? "on" : "off"));
  return code(ExitCode::Ok);
}

// Whether the store knows of that is found out before it is promised; only what is wrong is told.
int ReplSession::try_query(const std::string& option, const std::string& value, const ReplIo& io) {
  std::string answer;
  std::string complaint;
  const int done =
      backend_.run({"query", store_, "", "--limit", "1", option, value},
                   {verbs::string_sink(answer), verbs::string_sink(complaint), {}, io.cancelled});
  if (done != 0) (void)io.err(complaint);
  return done;
}

int ReplSession::set_moment(const std::string& to, const ReplIo& io) {
  if (to.empty() || to == "now" || to == "off") {
    settings_.as_of.clear();
    (void)io.err("as of now\n");
    return code(ExitCode::Ok);
  }
  if (const int done = try_query("--as-of", to, io); done != 0) return done;
  settings_.as_of = to;
  (void)io.err(fmt::format("as of {}; \\as-of now goes back\n", to));
  return code(ExitCode::Ok);
}

int ReplSession::set_experiment(const std::string& to, const ReplIo& io) {
  if (to.empty() || to == "off") {
    settings_.experiment.clear();
    (void)io.err("as everybody sees it\n");
    return code(ExitCode::Ok);
  }
  if (const int done = try_query("--in", to, io); done != 0) return done;
  settings_.experiment = to;
  (void)io.err(fmt::format("as {} groups; \\in off goes back\n", to));
  return code(ExitCode::Ok);
}

int ReplSession::watch(const std::vector<std::string>& words, const ReplIo& io) {
  double seconds = 2;
  uint64_t times = 0;  // 0 = until Ctrl-C
  const auto number = [](const std::string& text, auto& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
  };
  const bool sound = words.size() <= 3 && (words.size() < 2 || number(words[1], seconds)) &&
                     (words.size() < 3 || number(words[2], times)) && seconds > 0 &&
                     seconds <= 86'400;
  if (!sound) return fail(io, "\\watch SECONDS [TIMES]: say how often, as in \\watch 5");
  if (last_.empty()) return fail(io, "\\watch repeats the command before it: there is none yet");
  for (uint64_t round = 1;; ++round) {
    if (io.terminal.out) (void)io.out("\x1b[2J\x1b[H");
    (void)io.out(fmt::format("{}  every {} s, Ctrl-C ends it: {}\n",
                             format_time(SystemClock().now()).substr(0, 19), seconds, last_));
    if (const int done = run_again(last_, io); done != 0) return done;
    if (io.show) io.show();
    if (times != 0 && round >= times) return code(ExitCode::Ok);
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (std::chrono::steady_clock::now() < end) {
      if (io.cancelled) return code(ExitCode::Ok);
      std::this_thread::sleep_for(kLook);
    }
  }
}

int ReplSession::help(const std::vector<std::string>& words, const ReplIo& io) {
  if (words.size() < 2) {
    (void)io.out(repl_overview());
    return code(ExitCode::Ok);
  }
  const std::string& about = words[1];
  if (verbs::find_verb(about) != nullptr) return backend_.run({"help", about}, io);
  if (const auto text = construct_help(about)) {
    (void)io.out(*text);
    return code(ExitCode::Ok);
  }
  // What is left may be a field or a tag, which the store knows.
  return backend_.run({"fields", store_, about}, io);
}

}  // namespace cairn::client
