#include "client/line_editor.h"

#include <histedit.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cwchar>
#include <filesystem>

#include "client/key_wait.h"
#include "verbs/table.h"

namespace cairn::client {
namespace {

constexpr int kHistoryEntries = 2000;
constexpr size_t kMostListed = 100;  // candidates
constexpr char kInvisible = '\1';    // around what of the prompt takes no columns

std::string common_beginning(const std::vector<std::string>& texts) {
  std::string common = texts.front();
  for (const std::string& text : texts) {
    const auto end = std::mismatch(common.begin(), common.end(), text.begin(), text.end()).first;
    common.erase(end, common.end());
  }
  // Not in the middle of a character.
  while (!common.empty() && (static_cast<unsigned char>(common.back()) & 0xc0) == 0x80) {
    common.pop_back();
  }
  if (!common.empty() && static_cast<unsigned char>(common.back()) >= 0xc0) common.pop_back();
  return common;
}

// In columns, below the line that is edited.
std::string listed(const std::vector<std::string>& texts, size_t width) {
  size_t widest = 1;
  const size_t shown = std::min(texts.size(), kMostListed);
  for (size_t i = 0; i < shown; ++i) widest = std::max(widest, verbs::text_width(texts[i]));
  const size_t columns = std::max<size_t>(1, width / (widest + 2));
  const size_t rows = (shown + columns - 1) / columns;
  std::string out = "\n";
  for (size_t row = 0; row < rows; ++row) {
    for (size_t i = row; i < shown; i += rows) {
      out += texts[i];
      if (i + rows < shown) out.append(widest + 2 - verbs::text_width(texts[i]), ' ');
    }
    out += '\n';
  }
  if (shown < texts.size()) out += "... and " + std::to_string(texts.size() - shown) + " more\n";
  return out;
}

}  // namespace

struct LineEditor::Impl {
  explicit Impl(LineEditorOptions given) : options(std::move(given)) {}
  ~Impl() {
    if (edit != nullptr) el_end(edit);
    if (past != nullptr) history_end(past);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  static Impl& of(EditLine* edit) {
    void* self = nullptr;
    el_get(edit, EL_CLIENTDATA, &self);
    return *static_cast<Impl*>(self);
  }
  static char* prompt_of(EditLine* edit) { return of(edit).prompt.data(); }

  // One character of the terminal. -1: Ctrl-C; 0: the end.
  static int read_key(EditLine* edit, wchar_t* out) {
    Impl& self = of(edit);
    std::mbstate_t state{};
    while (true) {
      const KeyWait waited = wait_for_key(self.options.interrupted);
      if (waited == KeyWait::Interrupted) {
        errno = EINTR;
        return -1;
      }
      if (waited == KeyWait::Signal) {  // the window changed, or the program was stopped
        el_resize(edit);
        el_set(edit, EL_PREP_TERM, 1);
        el_set(edit, EL_REFRESH);
        continue;
      }
      char byte = 0;
      const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got <= 0) return 0;
      const size_t used = std::mbrtowc(out, &byte, 1, &state);
      if (used == static_cast<size_t>(-1)) {
        state = {};  // not of this character set: passed over
        continue;
      }
      if (used != static_cast<size_t>(-2)) return 1;
    }
  }

  static unsigned char complete(EditLine* edit, int) {
    Impl& self = of(edit);
    const LineInfo* line = el_line(edit);
    const std::string before(line->buffer, line->cursor);
    const Completions found = self.options.complete(before);
    if (found.candidates.empty()) return CC_REFRESH_BEEP;
    const std::string typed = before.substr(found.begin);
    const std::string common = common_beginning(found.candidates);
    const bool one = found.candidates.size() == 1;
    if (common != typed && common.size() >= typed.size()) {
      el_deletestr(edit, static_cast<int>(typed.size()));
      std::string more = common;
      if (one && !more.ends_with(':') && !more.ends_with('(')) more += ' ';
      if (el_insertstr(edit, more.c_str()) != 0) return CC_REFRESH_BEEP;
      return CC_REFRESH;
    }
    if (one) {
      el_insertstr(edit, " ");
      return CC_REFRESH;
    }
    const std::string list = listed(found.candidates, self.width());
    std::fwrite(list.data(), 1, list.size(), stdout);
    std::fflush(stdout);
    return CC_REDISPLAY;
  }

  size_t width() const {
    int columns = 0;
    el_get(edit, EL_GETTC, "co", &columns, nullptr);
    return columns > 0 ? static_cast<size_t>(columns) : 80;
  }

  LineEditorOptions options;
  std::string prompt;
  EditLine* edit = nullptr;
  History* past = nullptr;
};

LineEditor::LineEditor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LineEditor::~LineEditor() = default;

Result<std::unique_ptr<LineEditor>> LineEditor::open(LineEditorOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  impl->edit = el_init("cairn", stdin, stdout, stderr);
  impl->past = history_init();
  if (impl->edit == nullptr || impl->past == nullptr) {
    return make_error(ErrorCode::Io, "the terminal cannot be used for editing: see $TERM");
  }
  HistEvent event;
  history(impl->past, &event, H_SETSIZE, kHistoryEntries);
  history(impl->past, &event, H_SETUNIQUE, 1);
  if (!impl->options.history.empty()) {
    std::error_code ignored;
    const std::filesystem::path file = impl->options.history;
    std::filesystem::create_directories(file.parent_path(), ignored);
    history(impl->past, &event, H_LOAD, file.c_str());
  }
  EditLine* edit = impl->edit;
  el_set(edit, EL_CLIENTDATA, impl.get());
  el_set(edit, EL_PROMPT_ESC, &Impl::prompt_of, kInvisible);
  el_set(edit, EL_EDITOR, "emacs");
  el_set(edit, EL_SIGNAL, 0);
  el_set(edit, EL_HIST, history, impl->past);
  el_set(edit, EL_GETCFN, &Impl::read_key);
  el_set(edit, EL_ADDFN, "cairn-complete", "complete verbs, fields and values", &Impl::complete);
  el_set(edit, EL_BIND, "^I", "cairn-complete", nullptr);
  el_set(edit, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  el_source(edit, nullptr);  // ~/.editrc
  return std::unique_ptr<LineEditor>(new LineEditor(std::move(impl)));
}

LineEditor::Outcome LineEditor::read(const std::string& prompt, std::string& line) {
  impl_->prompt = prompt;
  if (impl_->options.color) {
    // libedit takes what is invisible together with the character behind it: the last one is a
    // blank.
    const std::string mark(1, kInvisible);
    const std::string_view name = std::string_view(prompt).substr(0, prompt.size() - 1);
    impl_->prompt = mark + "\x1b[1m" + mark;
    impl_->prompt.append(name).append(mark + "\x1b[0m" + mark).append(prompt.substr(name.size()));
  }
  // Before the prompt is there, so that keys typed as soon as it is are not echoed by the terminal.
  el_set(impl_->edit, EL_PREP_TERM, 1);
  int count = 0;
  const char* text = el_gets(impl_->edit, &count);
  if (impl_->options.interrupted) {
    std::fputs("^C\n", stdout);
    std::fflush(stdout);
    return Outcome::Interrupted;
  }
  if (text == nullptr || count <= 0) return Outcome::End;
  line.assign(text, static_cast<size_t>(count));
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  return Outcome::Line;
}

void LineEditor::remember(const std::string& command) {
  HistEvent event;
  if (command.empty() || command.starts_with(' ')) return;
  history(impl_->past, &event, H_ENTER, command.c_str());
  if (impl_->options.history.empty()) return;
  // libedit makes the file for its owner alone.
  history(impl_->past, &event, H_SAVE, impl_->options.history.c_str());
}

}  // namespace cairn::client
