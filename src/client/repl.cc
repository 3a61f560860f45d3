// repl: the loop around it all.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>

#include "base/version.h"
#include "client/caller_verbs.h"
#include "client/detect_terminal.h"
#include "client/line_editor.h"
#include "client/repl.h"
#include "client/repl_backend.h"
#include "client/repl_complete.h"
#include "client/repl_screen.h"
#include "client/repl_session.h"
#include "client/repl_text.h"

namespace cairn::client {
namespace {

// Ctrl-C, for as long as the REPL runs: it ends a command, or the line that is edited.
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set from a signal handler");

void note_interrupt(int) { interrupted.store(true, std::memory_order_relaxed); }
void wake_up(int) {}

// The handlers that the line editor needs, until this goes away.
class Signals {
 public:
  Signals() {
    set(SIGINT, note_interrupt, before_[0]);
    set(SIGWINCH, wake_up, before_[1]);
    set(SIGCONT, wake_up, before_[2]);
  }
  ~Signals() {
    ::sigaction(SIGINT, &before_[0], nullptr);
    ::sigaction(SIGWINCH, &before_[1], nullptr);
    ::sigaction(SIGCONT, &before_[2], nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  static void set(int signal, void (*handler)(int), struct sigaction& before) {
    struct sigaction action {};
    action.sa_handler = handler;  // without SA_RESTART: a wait for a key ends
    ::sigaction(signal, &action, &before);
  }
  struct sigaction before_[3]{};
};

std::string history_file() {
  if (const char* file = std::getenv("CAIRN_HISTORY")) return file;
  namespace fs = std::filesystem;
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != 0) {
    return fs::path(state) / "cairn" / "history";
  }
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == 0) return "";
  return fs::path(home) / ".local" / "state" / "cairn" / "history";
}

class Repl {
 public:
  Repl(ReplBackend& backend, const std::string& store)
      : session_(backend, store), completer_(backend, session_) {}

  // Until the first command that fails.
  int run_all(const std::vector<std::string>& commands) {
    for (const std::string& command : commands) {
      const int done = run(command, false);
      if (done != 0 || session_.ended()) return done;
    }
    return 0;
  }

  // Lines of stdin, no terminal: the same.
  int run_script() {
    std::string command;
    std::string line;
    bool more = true;
    while (more) {
      more = read_line(line);
      if (!more && line.empty() && command.empty()) break;
      const bool blank = line.find_first_not_of(" \t\r") == std::string::npos;
      if (command.empty() || !blank) add_line(command, line);
      if (more && !blank && wants_more(command)) continue;
      const int done = run(std::exchange(command, {}), false);
      if (done != 0 || session_.ended() || interrupted) return done;
    }
    return 0;
  }

  Result<void> talk() {
    LineEditorOptions options{history_file(),
                              [this](std::string_view before) {
                                std::string text = pending_;
                                const size_t earlier = text.empty() ? 0 : text.size() + 1;
                                add_line(text, before);
                                Completions found = completer_.complete(text);
                                // What an earlier line began is not changed any more.
                                if (found.begin < earlier) return Completions{};
                                found.begin -= earlier;
                                return found;
                              },
                              interrupted, detect_terminal().color};
    CAIRN_TRY_ASSIGN(const auto editor, LineEditor::open(std::move(options)));
    while (!session_.ended()) {
      std::string line;
      interrupted = false;
      const std::string prompt = pending_.empty() ? session_.prompt() : "... ";
      switch (editor->read(prompt, line)) {
        case LineEditor::Outcome::End:
          (void)!::write(STDOUT_FILENO, "\n", 1);
          return {};
        case LineEditor::Outcome::Interrupted:
          pending_.clear();
          continue;
        case LineEditor::Outcome::Line:
          break;
      }
      echo_in_colour(prompt, line);
      const bool blank = line.find_first_not_of(" \t") == std::string::npos;
      add_line(pending_, line);
      if (!blank && !pending_.starts_with('\\') && wants_more(pending_)) continue;
      const std::string command = std::exchange(pending_, {});
      editor->remember(command);
      run(command, true);
    }
    return {};
  }

 private:
  int run(const std::string& command, bool pages) {
    interrupted = false;
    ReplScreen screen(detect_terminal(), pages, interrupted);
    const int done = session_.run(command, screen.io());
    screen.finish();
    // The terminal showed ^C where the cursor was.
    if (interrupted && pages) (void)!::write(STDOUT_FILENO, "\n", 1);
    return done;
  }

  // The line that was typed, once more, now that it is whole. One that the terminal broke stays.
  static void echo_in_colour(const std::string& prompt, const std::string& line) {
    const verbs::Terminal terminal = detect_terminal();
    const size_t columns = verbs::text_width(prompt) + verbs::text_width(line);
    if (!terminal.color || line.empty() || line.starts_with('\\')) return;
    if (columns >= static_cast<size_t>(terminal.width)) return;
    const std::string text = "\x1b[A\r" + styled(terminal, verbs::Style::Bold, prompt) +
                             coloured_query(terminal, line) + "\x1b[K\n";
    (void)!::write(STDOUT_FILENO, text.data(), text.size());
  }

  // False at the end, where a last line without an end may stand.
  static bool read_line(std::string& line) {
    line.clear();
    char c = 0;
    while (true) {
      const ssize_t got = ::read(STDIN_FILENO, &c, 1);
      if (got < 0 && errno == EINTR && !interrupted) continue;
      if (got <= 0) return false;
      if (c == '\n') return true;
      line.push_back(c);
    }
  }

  ReplSession session_;
  ReplCompleter completer_;
  std::string pending_;  // lines of a command that is not whole
};

}  // namespace

const std::atomic<bool>& repl_interrupted() { return interrupted; }

VerbResult run_verb(const verbs::ReplArguments& arguments, Context& context) {
  CAIRN_TRY_ASSIGN(const auto backend, open_directory_backend(arguments.store, current_user()));
  return run_repl(arguments, *backend, context);
}

VerbResult run_repl(const verbs::ReplArguments& arguments, ReplBackend& backend, Context& context) {
  const Signals signals;
  Repl repl(backend, arguments.store);
  if (!arguments.commands.empty()) {
    return static_cast<verbs::ExitCode>(repl.run_all(arguments.commands));
  }
  if (::isatty(STDIN_FILENO) == 0 || !context.console.terminal.out) {
    return static_cast<verbs::ExitCode>(repl.run_script());
  }
  context.console.out.line(fmt::format("cairn {}; \\help for help, Ctrl-D to leave", kVersion));
  CAIRN_TRY(context.console.out.flush());
  CAIRN_TRY(repl.talk());
  return verbs::ExitCode::Ok;
}

}  // namespace cairn::client
