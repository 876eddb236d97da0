/* A sitemap: <urlset><url><loc>URL</loc> ... </url> ...</urlset>.
 *
 * It is read by expat, and each URL handed out from within expat's call. Names are taken without
 * their namespace prefix, and only where they belong: what extensions call <loc> is deeper. No
 * entities but XML's own are read, so that none can be declared that grow.
 *
 * source  sitemaps.org, protocol 0.9
 */
#include <errno.h>
#include <expat.h>
#include <string.h>

#include "daemon/client/input_feed.h"
#include "daemon/client/input_formats.h"

/* Since 2.9 expat deprecates its counts of the size of a long. */
#if XML_MAJOR_VERSION == 2 && XML_MINOR_VERSION < 9
#define XML_GetCurrentLineNumber64 XML_GetCurrentLineNumber
#define XML_GetCurrentByteIndex64  XML_GetCurrentByteIndex
#endif

enum {
    URL_BYTES_MAX = 64 * 1024, /* with the white space around it */
    PIECE_MAX = 1024 * 1024, /* a tag or comment, say: what expat keeps until it has seen its end */
    IN_URLSET = 1,
    IN_URL,
    IN_LOC,
};

/* What encloses what, from the outside. */
static const char *const path[] = {"urlset", "url", "loc"};

struct sitemap {
    struct input_feed *feed;
    XML_Parser parser;
    unsigned depth;   /* elements that are open */
    unsigned on_path; /* of these, as path has them from the outside */
    struct buffer text;
    int rc; /* the first thing that went wrong */
};

static unsigned long line_of(const struct sitemap *sitemap)
{
    return (unsigned long)XML_GetCurrentLineNumber64(sitemap->parser);
}

static void stop(struct sitemap *sitemap, int rc)
{
    if (rc >= 0 || sitemap->rc < 0)
        return;
    sitemap->rc = rc;
    XML_StopParser(sitemap->parser, XML_FALSE);
}

static const char *local_name(const char *name)
{
    const char *colon = strchr(name, ':');

    return colon != NULL ? colon + 1 : name;
}

static void check_root(struct sitemap *sitemap, const char *name)
{
    const struct input_reader *reader = &sitemap->feed->reader;

    if (strcmp(name, path[0]) == 0)
        return;
    if (strcmp(name, "sitemapindex") == 0)
        stop(sitemap, input_reader_refuse(reader, line_of(sitemap),
                                          "this is an index of sitemaps, not a sitemap: give those "
                                          "it names"));
    else
        stop(sitemap, input_reader_refuse(reader, line_of(sitemap),
                                          "this is no sitemap: its root is <%.64s>, not <%s>", name,
                                          path[0]));
}

/* After stop() expat may still call once or twice: rc tells. */
static void begin_element(void *arg, const XML_Char *name, const XML_Char **attributes)
{
    struct sitemap *sitemap = arg;

    (void)attributes;
    if (sitemap->rc < 0)
        return;
    if (sitemap->depth == 0)
        check_root(sitemap, local_name(name));
    if (sitemap->on_path == sitemap->depth && sitemap->on_path < IN_LOC &&
        strcmp(local_name(name), path[sitemap->on_path]) == 0)
        sitemap->on_path++;
    sitemap->depth++;
    sitemap->text.len = 0;
}

static bool is_in_loc(const struct sitemap *sitemap)
{
    return sitemap->on_path == IN_LOC && sitemap->depth == IN_LOC;
}

static void end_element(void *arg, const XML_Char *name)
{
    struct sitemap *sitemap = arg;
    struct input_line url = {sitemap->text.len > 0 ? sitemap->text.data : "", sitemap->text.len};

    (void)name;
    if (sitemap->rc < 0)
        return;
    if (is_in_loc(sitemap)) {
        url = input_line_trim(url);
        stop(sitemap, input_feed_url(sitemap->feed, line_of(sitemap), url.text, url.length));
    }
    sitemap->depth--;
    if (sitemap->on_path > sitemap->depth)
        sitemap->on_path = sitemap->depth;
}

static void take_text(void *arg, const XML_Char *text, int length)
{
    struct sitemap *sitemap = arg;

    if (sitemap->rc < 0 || !is_in_loc(sitemap))
        return;
    int rc = buffer_append(&sitemap->text, text, (size_t)length);
    if (rc == -EMSGSIZE)
        rc = input_reader_refuse(&sitemap->feed->reader, line_of(sitemap), "the URL is too long");
    stop(sitemap, rc);
}

static void refuse_entity(void *arg, const XML_Char *name, int is_parameter, const XML_Char *value,
                          int value_length, const XML_Char *base, const XML_Char *system_id,
                          const XML_Char *public_id, const XML_Char *notation)
{
    struct sitemap *sitemap = arg;

    (void)name, (void)is_parameter, (void)value, (void)value_length;
    (void)base, (void)system_id, (void)public_id, (void)notation;
    stop(sitemap, input_reader_refuse(&sitemap->feed->reader, line_of(sitemap),
                                      "entities that are declared are not read"));
}

static int refuse_xml(const struct sitemap *sitemap)
{
    enum XML_Error error = XML_GetErrorCode(sitemap->parser);

    if (error == XML_ERROR_NO_MEMORY)
        return -ENOMEM;
    return input_reader_refuse(&sitemap->feed->reader, line_of(sitemap), "this is not XML: %s",
                               XML_ErrorString(error));
}

static int parse_block(struct sitemap *sitemap, struct input_line bytes, bool is_last)
{
    enum XML_Status status =
        XML_Parse(sitemap->parser, bytes.text, (int)bytes.length, is_last ? XML_TRUE : XML_FALSE);

    if (sitemap->rc < 0)
        return sitemap->rc;
    return status == XML_STATUS_OK ? 0 : refuse_xml(sitemap);
}

static int read_document(struct sitemap *sitemap)
{
    const struct input_reader *reader = &sitemap->feed->reader;
    struct input_line bytes;
    int64_t n_read = 0;
    int rc;

    while ((rc = input_reader_block(&sitemap->feed->reader, &bytes)) > 0) {
        n_read += (int64_t)bytes.length;
        rc = parse_block(sitemap, bytes, false);
        if (rc == 0 && n_read - XML_GetCurrentByteIndex64(sitemap->parser) > PIECE_MAX)
            rc = input_reader_refuse(reader, line_of(sitemap), "what begins here is too long");
        if (rc < 0)
            return rc;
    }
    return rc < 0 ? rc : parse_block(sitemap, (struct input_line){"", 0}, true);
}

int input_read_sitemap(struct co_gen *self, void *arg, void **ret_result)
{
    struct sitemap sitemap = {.feed = arg, .parser = XML_ParserCreate(NULL)};

    (void)self;
    (void)ret_result;
    if (sitemap.parser == NULL)
        return -ENOMEM;
    buffer_init(&sitemap.text, URL_BYTES_MAX);
    XML_SetUserData(sitemap.parser, &sitemap);
    XML_SetElementHandler(sitemap.parser, begin_element, end_element);
    XML_SetCharacterDataHandler(sitemap.parser, take_text);
    XML_SetEntityDeclHandler(sitemap.parser, refuse_entity);
    int rc = read_document(&sitemap);
    XML_ParserFree(sitemap.parser);
    buffer_done(&sitemap.text);
    return rc;
}
