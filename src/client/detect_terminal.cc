#include "client/detect_terminal.h"

#include <langinfo.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <clocale>
#include <cstdlib>
#include <cstring>

namespace cairn::client {
namespace {

constexpr int kPlainWidth = 100;  // of tables that go to a file or a pipe
constexpr int kLeastWidth = 40;
constexpr int kMostWidth = 400;

int window_width() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 0;
}

int columns_variable() {
  const char* text = std::getenv("COLUMNS");
  int columns = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), columns);
  return columns;
}

}  // namespace

verbs::Terminal detect_terminal() {
  verbs::Terminal terminal;
  std::setlocale(LC_CTYPE, "");
  terminal.utf8 = std::strcmp(::nl_langinfo(CODESET), "UTF-8") == 0;
  terminal.out = ::isatty(STDOUT_FILENO) == 1;
  terminal.err = ::isatty(STDERR_FILENO) == 1;
  int width = terminal.out ? window_width() : 0;
  if (width == 0) width = columns_variable();
  if (width == 0) width = terminal.out ? 80 : kPlainWidth;
  terminal.width = std::clamp(width, kLeastWidth, kMostWidth);
  const char* kind = std::getenv("TERM");
  const bool dumb = kind == nullptr || std::strcmp(kind, "dumb") == 0;
  terminal.color = terminal.out && !dumb && std::getenv("NO_COLOR") == nullptr;
  return terminal;
}

std::string current_user() {
  if (const char* user = std::getenv("USER"); user != nullptr && *user != 0) return user;
  const passwd* entry = ::getpwuid(::getuid());
  return entry == nullptr ? "" : entry->pw_name;
}

}  // namespace cairn::client
