// SPDX-License-Identifier: GPL-2.0-only
#include <linux/debugfs.h>
#include <linux/inet.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include "echo.h"

#define QUIC_ECHO_LINE_MAX	256
#define QUIC_ECHO_WORDS_MAX	4

static struct dentry *quic_echo_dir;

/* Splits a line into exactly so many words. */
static int quic_echo_words(char *line, char **words, int count)
{
	char *word;
	int n = 0;

	line = strim(line);
	while ((word = strsep(&line, " "))) {
		if (n == count)
			return -EINVAL;
		words[n++] = word;
	}
	return n == count ? 0 : -EINVAL;
}

static int quic_echo_parse(const char __user *buf, size_t count, char *line,
			   char **words, int want, struct sockaddr_storage *addr)
{
	struct net *net = current->nsproxy->net_ns;
	int err;

	if (count >= QUIC_ECHO_LINE_MAX)
		return -EINVAL;
	if (copy_from_user(line, buf, count))
		return -EFAULT;
	line[count] = '\0';
	err = quic_echo_words(line, words, want);
	if (err)
		return err;
	return inet_pton_with_scope(net, AF_UNSPEC, words[0], words[1], addr);
}

static ssize_t quic_echo_listen_write(struct file *file, const char __user *buf,
				      size_t count, loff_t *ppos)
{
	char line[QUIC_ECHO_LINE_MAX], *words[QUIC_ECHO_WORDS_MAX];
	struct sockaddr_storage addr;
	int err;

	err = quic_echo_parse(buf, count, line, words, 2, &addr);
	if (!err)
		err = quic_echo_listen(current->nsproxy->net_ns, &addr);
	return err ?: count;
}

static ssize_t quic_echo_unlisten_write(struct file *file,
					const char __user *buf, size_t count,
					loff_t *ppos)
{
	quic_echo_unlisten(current->nsproxy->net_ns);
	return count;
}

static ssize_t quic_echo_connect_write(struct file *file,
				       const char __user *buf, size_t count,
				       loff_t *ppos)
{
	char line[QUIC_ECHO_LINE_MAX], *words[QUIC_ECHO_WORDS_MAX];
	struct sockaddr_storage addr;
	u32 bytes;
	int err;

	err = quic_echo_parse(buf, count, line, words, 4, &addr);
	if (!err)
		err = kstrtou32(words[3], 10, &bytes);
	if (!err)
		err = quic_echo_connect(current->nsproxy->net_ns, &addr,
					words[2], bytes);
	return err ?: count;
}

static const struct file_operations quic_echo_listen_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= quic_echo_listen_write,
};

static const struct file_operations quic_echo_unlisten_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= quic_echo_unlisten_write,
};

static const struct file_operations quic_echo_connect_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= quic_echo_connect_write,
};

static int quic_echo_servers_show(struct seq_file *seq, void *v)
{
	quic_echo_show(seq);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(quic_echo_servers);

/* Before QUIC's own part of the namespace goes: that was registered first. */
static void __net_exit quic_echo_net_exit(struct net *net)
{
	quic_echo_unlisten(net);
}

static struct pernet_operations quic_echo_net_ops = {
	.exit = quic_echo_net_exit,
};

static int __init quic_echo_init(void)
{
	int err;

	err = register_pernet_subsys(&quic_echo_net_ops);
	if (err)
		return err;
	quic_echo_dir = debugfs_create_dir("quic_echo", NULL);
	debugfs_create_file("listen", 0200, quic_echo_dir, NULL,
			    &quic_echo_listen_fops);
	debugfs_create_file("unlisten", 0200, quic_echo_dir, NULL,
			    &quic_echo_unlisten_fops);
	debugfs_create_file("connect", 0200, quic_echo_dir, NULL,
			    &quic_echo_connect_fops);
	debugfs_create_file("servers", 0400, quic_echo_dir, NULL,
			    &quic_echo_servers_fops);
	return 0;
}

static void __exit quic_echo_exit(void)
{
	debugfs_remove(quic_echo_dir);
	/* Ends every server. */
	unregister_pernet_subsys(&quic_echo_net_ops);
}

module_init(quic_echo_init);
module_exit(quic_echo_exit);

MODULE_DESCRIPTION("QUIC echo server and client inside the kernel");
MODULE_LICENSE("GPL");
