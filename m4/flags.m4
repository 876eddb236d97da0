# GATHERD_FLAG(KIND, VARIABLE, FLAGS)
# -----------------------------------
# Append FLAGS to VARIABLE if a program compiles and links with them, without a warning. KIND is the
# user's variable that the trial extends: CFLAGS or LDFLAGS; it is left as it was.
AC_DEFUN([GATHERD_FLAG], [
    AC_MSG_CHECKING([whether $CC takes $3])
    gatherd_saved_CFLAGS=$CFLAGS
    gatherd_saved_LDFLAGS=$LDFLAGS
    $1="[$]$1 $3"
    CFLAGS="$CFLAGS -Werror"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <string.h>]])], [
        AC_MSG_RESULT([yes])
        $2="[$]$2 $3"
    ], [AC_MSG_RESULT([no])])
    CFLAGS=$gatherd_saved_CFLAGS
    LDFLAGS=$gatherd_saved_LDFLAGS
])
